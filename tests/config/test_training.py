from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from atb.config.optimisation import Optimisation, Regularisation
from atb.config.targets import DirectionTarget, ReturnTarget, VolatilityTarget
from atb.config.training import TrainingConfig


@pytest.mark.parametrize("asked", [{"class_weights": "balanced"}, {"label_smoothing": 0.1}])
@pytest.mark.parametrize("target", [ReturnTarget(), VolatilityTarget()])
def test_only_classes_are_weighed_and_smoothed(asked: dict[str, Any], target: Any) -> None:
    training = Optimisation(regularisation=Regularisation(**asked))
    assert TrainingConfig(symbol="BTCUSDT", target=DirectionTarget(), training=training)
    with pytest.raises(ValidationError, match=f"are for classes, not for a {target.kind}"):
        TrainingConfig(symbol="BTCUSDT", target=target, training=training)
