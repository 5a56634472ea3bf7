"""How much was traded against before, and on which side of the price.

A feature is a function of T bars, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from atb.features.bars import Bars
from atb.features.causal import Series, aligned, contrast, delay, fir, mean, ratio


def volume_ratio(bars: Bars, window: int) -> Series:
    """Volume against its moving average, as a contrast: -1 to 1, 0 when nothing was traded."""
    return contrast(bars.volume, fir(bars.volume, mean(window)))


def volume_change(bars: Bars) -> Series:
    """Volume against the bar before, as a contrast: -1 to 1."""
    return contrast(bars.volume, delay(bars.volume, 1))


def money_flow_index(bars: Bars, window: int) -> Series:
    """Turnover of bars whose typical price rose, over that of all that moved: 0 to 1."""
    turnover = (bars.high + bars.low + bars.close) / 3 * bars.volume
    turnover, change = aligned(turnover, bars.typical_change)
    signed = turnover * ops.sign(change)
    return 0.5 + ratio(fir(signed, mean(window) / 2), fir(ops.absolute(signed), mean(window)))


def chaikin_money_flow(bars: Bars, window: int) -> Series:
    """Volume weighted by where each bar closed in its range, over all volume: -1 to 1."""
    location = ratio((bars.close - bars.low) - (bars.high - bars.close), bars.range)
    signed = fir(location * bars.volume, np.ones(window))
    return ratio(signed, fir(bars.volume, np.ones(window)))
