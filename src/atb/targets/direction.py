"""Whether the close will be higher."""

from __future__ import annotations

import numpy as np

from atb.config.targets import DirectionTarget
from atb.market.history import History
from atb.targets.labels import Float64, Int64, Labels, by_horizon, forward_log_return


def build(spec: DirectionTarget, history: History, max_gap: int = 0) -> Labels:
    """1 where the close is higher after each horizon, else 0; an unchanged close is 0."""

    def rose(horizon: int) -> tuple[Float64, Int64]:
        value, known_at = forward_log_return(history, horizon, max_gap)
        return np.where(np.isnan(value), np.nan, value > 0), known_at

    return by_horizon([rose(horizon) for horizon in spec.horizons], spec.classes)
