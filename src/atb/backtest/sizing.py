"""From predictions to positions: by threshold, all or nothing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.backtest.costs import BASIS_POINT
from atb.backtest.predictions import Predictions, Unit
from atb.config.trading import TradingSpec

Float64 = npt.NDArray[np.float64]

NEUTRAL: dict[Unit, float] = {"return": 0.0, "probability": 0.5}
THRESHOLD_UNIT: dict[Unit, float] = {"return": BASIS_POINT, "probability": 0.01}


def positions(predictions: Predictions, spec: TradingSpec) -> Float64:
    """The position each prediction asks for: 1 long, 0 flat, -1 short.

    A prediction must be further from neutral than `spec.threshold` (basis points of return, or
    percentage points of probability) to be traded.

    Returns:
        `[M]` float64, as multiples of the equity.
    """
    signal = predictions.value - NEUTRAL[predictions.unit]
    threshold = spec.threshold * THRESHOLD_UNIT[predictions.unit]
    position = np.where(np.abs(signal) > threshold, np.sign(signal), 0.0)
    return position if spec.positions == "long_short" else np.maximum(position, 0.0)
