"""Outcomes from plain lists, and random ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from atb.evaluation.metric import Outcome


def outcome(predicted: Any, actual: Any, close: Any = 100.0, scale: float = 1.0) -> Outcome:
    true = np.asarray(actual, float)
    return Outcome(np.asarray(predicted, float), true, np.broadcast_to(close, true.shape), scale)


@pytest.fixture(scope="session")
def make() -> Callable[..., Outcome]:
    return outcome
