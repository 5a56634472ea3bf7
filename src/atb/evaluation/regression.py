"""Metrics of forecast log returns, in return units and in price.

The price forecast is `close * exp(return)`. Knows outcomes, not where they came from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Metric, Outcome, first, mean_of, root

Float64 = npt.NDArray[np.float64]


def _error(outcome: Outcome) -> Float64:
    return outcome.predicted - outcome.actual


def _price_error(outcome: Outcome) -> Float64:
    return outcome.close * (np.exp(outcome.predicted) - np.exp(outcome.actual))


def _price_share(outcome: Outcome) -> Float64:
    return np.abs(np.expm1(_error(outcome)))


def _right_direction(outcome: Outcome) -> Float64:
    """1 where the signs agree, over the rows whose price moved; see `_moved`."""
    agree = (outcome.predicted > 0) == (outcome.actual > 0)
    moved = outcome.actual != 0
    return np.stack([agree & moved, moved], axis=1).astype(np.float64)


def _squares(outcome: Outcome) -> Float64:
    return np.stack([_error(outcome) ** 2, outcome.actual, outcome.actual**2], axis=1)


def _r2(means: Float64) -> Float64:
    return 1 - means[..., 0] / np.maximum(means[..., 2] - means[..., 1] ** 2, 1e-300)


METRICS = (
    Metric("loss", mean_of(lambda o: (_error(o) / o.scale) ** 2), first, "lower"),
    Metric("rmse", mean_of(lambda o: _error(o) ** 2), root, "lower"),
    Metric("mae", mean_of(lambda o: np.abs(_error(o))), first, "lower"),
    Metric("price_rmse", mean_of(lambda o: _price_error(o) ** 2), root, "lower"),
    Metric("price_mae", mean_of(lambda o: np.abs(_price_error(o))), first, "lower"),
    Metric("price_mape", mean_of(_price_share), first, "lower"),
    Metric("r2", _squares, _r2, "higher"),
)
DIRECTION = Metric(
    "directional_accuracy",
    _right_direction,
    lambda means: means[..., 0] / np.maximum(means[..., 1], 1e-300),
    "higher",
)
