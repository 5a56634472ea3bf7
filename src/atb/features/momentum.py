"""How one-sided the recent moves were, on bounded or standardised scales.

A feature is a function of the bars, and of its parameters in the catalogue, to `[B, T, 1]`.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from atb.features.bars import Bars
from atb.features.causal import Series, fir, from_last, highest, lowest, mean, ratio, wilder


def rsi(bars: Bars, window: int) -> Series:
    """Average gain over average gain and loss: 0 to 1, 0.5 when nothing moved."""
    weights = wilder(window)
    gain = fir(ops.relu(bars.change), weights)
    loss = fir(ops.relu(-bars.change), weights)
    return ratio(gain, gain + loss, empty=0.5)


def stochastic_k(bars: Bars, window: int) -> Series:
    """Where close lies between the lowest low and the highest high: 0 to 1, 0.5 when they meet."""
    bottom = lowest(bars.low, window)
    return ratio(bars.close - bottom, highest(bars.high, window) - bottom, empty=0.5)


def stochastic_d(bars: Bars, window: int, smoothing: int) -> Series:
    """Moving average of `stochastic_k`: 0 to 1."""
    return fir(stochastic_k(bars, window), mean(smoothing))


def cci(bars: Bars, window: int) -> Series:
    """Typical price minus its average, over 0.015 mean absolute deviations, in hundreds."""
    deviations = from_last(bars.typical_change, np.eye(window))
    centre = ops.mean(deviations, axis=-1, keepdims=True)
    spread = ops.mean(ops.absolute(deviations - centre), axis=-1, keepdims=True)
    return ratio(-centre, 1.5 * spread)
