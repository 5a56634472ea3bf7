"""Outcomes and evidence from plain lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from atb.evaluation.metric import Evidence, Outcome


def outcome(predicted: Any, actual: Any, close: Any = 100.0, scale: float = 1.0) -> Outcome:
    true = np.asarray(actual, float)
    return Outcome(np.asarray(predicted, float), true, np.broadcast_to(close, true.shape), scale)


def evidence(train: Any, test: Any, close: Any = 100.0, horizon: int = 1) -> Evidence:
    """Labels of train rows, then of test rows; prices at all of them."""
    labels = np.concatenate([np.asarray(part, float) for part in (train, test)])
    rows = np.arange(len(labels))
    prices = np.broadcast_to(np.asarray(close, float), labels.shape)
    return Evidence(prices, labels, rows[: len(train)], rows[len(train) :], horizon)


@pytest.fixture(scope="session")
def make() -> Callable[..., Outcome]:
    return outcome


@pytest.fixture(scope="session")
def given_labels() -> Callable[..., Evidence]:
    return evidence
