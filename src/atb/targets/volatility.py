"""How much the price will move, whichever way."""

from __future__ import annotations

import numpy as np

from atb.config.targets import VolatilityTarget
from atb.market.history import History
from atb.targets.labels import Float64, Int64, Labels, by_horizon, unbroken
from atb.targets.trailing import squared_returns, window_sums


def build(spec: VolatilityTarget, history: History, max_gap: int = 0) -> Labels:
    """Log realised volatility per bar over each horizon, known at the close of its last bar.

    The realised volatility is the root of the mean of the squared one-bar log returns (Andersen,
    Bollerslev, Diebold and Labys 2003). Where the price does not move its log does not exist, nor
    does the label.
    """
    columns = [_ahead(history, horizon, max_gap) for horizon in spec.horizons]
    return by_horizon(columns, spec.classes)


def _ahead(history: History, horizon: int, max_gap: int) -> tuple[Float64, Int64]:
    n = len(history)
    value, known_at = np.full(n, np.nan), np.full(n, n)
    sums = window_sums(squared_returns(history.price), horizon)
    rows = unbroken(history, horizon, max_gap)
    rows = rows[sums[rows] > 0]
    value[rows] = np.log(sums[rows] / horizon) / 2
    known_at[rows] = rows + horizon
    return value, known_at
