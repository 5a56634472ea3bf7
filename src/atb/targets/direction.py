"""Whether the close will be higher."""

from __future__ import annotations

import numpy as np

from atb.config.targets import DirectionTarget
from atb.market.candles import Candles
from atb.targets.labels import Labels, forward_log_return


def build(spec: DirectionTarget, candles: Candles, max_gap: int = 0) -> Labels:
    """1 where the close is higher after `spec.horizon` bars, else 0; an unchanged close is 0."""
    value, known_at = forward_log_return(candles, spec.horizon, max_gap)
    return Labels(np.where(np.isnan(value), np.nan, value > 0), known_at, scaled=False)
