"""Whether the close will be lower, about the same or higher."""

from __future__ import annotations

import numpy as np

from atb.config.targets import TernaryTarget
from atb.market.history import History
from atb.targets import trailing
from atb.targets.labels import Float64, Int64, Labels, by_horizon, forward_log_return

BASIS_POINT = 1e-4


def build(spec: TernaryTarget, history: History, max_gap: int = 0) -> Labels:
    """0 down, 1 flat or 2 up: the log return over each horizon against a threshold.

    A return exactly at the threshold is flat. A threshold in volatilities grows with the root of
    the horizon, as the deviation of a random walk does; where no volatility is known there is no
    label.
    """

    def moved(horizon: int) -> tuple[Float64, Int64]:
        value, known_at = forward_log_return(history, horizon, max_gap)
        threshold = spec.threshold * _unit(spec, history, horizon, max_gap)
        classes = 1.0 + (value > threshold) - (value < -threshold)
        unknown = np.isnan(value) | np.isnan(threshold)
        return np.where(unknown, np.nan, classes), np.where(unknown, len(history), known_at)

    return by_horizon([moved(horizon) for horizon in spec.horizons], spec.classes)


def _unit(spec: TernaryTarget, history: History, horizon: int, max_gap: int) -> Float64:
    """What the threshold counts, `[N]` as log returns over the horizon."""
    if spec.unit == "basis_points":
        return np.full(len(history), BASIS_POINT)
    expected: Float64 = trailing.volatility(history, spec.span, max_gap) * np.sqrt(horizon)
    return expected
