"""Metrics of forecast log returns, in return units and in price, and of forecast moves.

The price forecast is `close * exp(return)`; a move is in basis points, and so are its errors. Knows
outcomes, not where they came from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Metric, Outcome, first, mean_of, ratio, root

Float64 = npt.NDArray[np.float64]


def _error(outcome: Outcome) -> Float64:
    return outcome.predicted - outcome.actual


def _price_error(outcome: Outcome) -> Float64:
    move: Float64 = np.exp(outcome.predicted) - np.exp(outcome.actual)
    return outcome.close * move


def _price_share(outcome: Outcome) -> Float64:
    share: Float64 = np.abs(np.expm1(_error(outcome)))
    return share


def _right_direction(outcome: Outcome) -> Float64:
    """Whether both rise or neither does, and whether the price moved: only such rows count."""
    agree = (outcome.predicted > 0) == (outcome.actual > 0)
    moved = outcome.actual != 0
    return np.stack([agree & moved, moved], axis=1).astype(np.float64)


def _squares(outcome: Outcome) -> Float64:
    """Squared error, label and squared label, these less the mean label so that nothing cancels."""
    centred = outcome.actual - outcome.actual.mean()
    return np.stack([_error(outcome) ** 2, centred, centred**2], axis=1)


def _r2(means: Float64) -> Float64:
    variance = means[..., 2] - means[..., 1] ** 2
    return 1 - ratio(means[..., 0], variance)


SQUARED = mean_of(lambda o: _error(o) ** 2)
ABSOLUTE = mean_of(lambda o: np.abs(_error(o)))

LOSS = Metric("loss", mean_of(lambda o: (_error(o) / o.scale) ** 2), first)
R2 = Metric("r2", _squares, _r2, rising=True)
METRICS = (
    LOSS,
    Metric("rmse", SQUARED, root),
    Metric("mae", ABSOLUTE, first),
    Metric("price_rmse", mean_of(lambda o: _price_error(o) ** 2), root),
    Metric("price_mae", mean_of(lambda o: np.abs(_price_error(o))), first),
    Metric("price_mape", mean_of(_price_share), first),
    R2,
)
MOVES = (
    LOSS,
    Metric("move_rmse", SQUARED, root),
    Metric("move_mae", ABSOLUTE, first),
    R2,
)
DIRECTION = Metric(
    "directional_accuracy",
    _right_direction,
    lambda means: ratio(means[..., 0], means[..., 1]),
    rising=True,
)
