"""What trading costs: a share of the value traded, at each change of position."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.config.trading import TradingSpec

Float64 = npt.NDArray[np.float64]

BASIS_POINT = 1e-4


def rate(spec: TradingSpec) -> float:
    """Fee and slippage together, as a share of the traded value, per side."""
    return (spec.fee + spec.slippage) * BASIS_POINT


def traded(position: Float64) -> Float64:
    """Value traded at each bar's open and at the end, in multiples of the equity at that moment.

    Args:
        position: `[B]` held during each bar; before the first and after the last it is flat.

    Returns:
        `[B + 1]` float64; the last is the closing of what is still held.

    >>> traded(np.array([1.0, -1.0, 0.0])).tolist()
    [1.0, 2.0, 1.0, 0.0]
    """
    return np.abs(np.diff(position, prepend=0.0, append=0.0))
