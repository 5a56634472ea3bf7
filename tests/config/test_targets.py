from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from atb.config.targets import ReturnTarget, TripleBarrierTarget


@pytest.mark.parametrize("horizon", [(), (1, 1), (5, 1), (1, 5, 5)])
def test_horizons_are_some_and_rise(horizon: Any) -> None:
    with pytest.raises(ValidationError, match="horizons must rise, each once"):
        ReturnTarget(horizon=horizon)


@pytest.mark.parametrize("horizon", [[5, 10], (5, 10), [5]])
def test_triple_barriers_have_one_horizon(horizon: Any) -> None:
    with pytest.raises(ValidationError, match="this target has one horizon"):
        TripleBarrierTarget(horizon=horizon)
