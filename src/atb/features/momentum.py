"""How one-sided the recent moves were, on bounded or standardised scales.

A feature is a function of T bars, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.bars import Bars
from atb.features.causal import (
    Series,
    aligned,
    average,
    deviations,
    fir,
    from_last,
    highest,
    lowest,
    mean,
    ratio,
    wilder,
)


def rsi(bars: Bars, window: int) -> Series:
    """Average gain over average gain and loss: 0 to 1, 0.5 when nothing moved."""
    # gain / (gain + loss), with gain - loss = change and gain + loss = |change|
    weights = wilder(window)
    return 0.5 + ratio(fir(bars.change, weights / 2), fir(ops.absolute(bars.change), weights))


def stochastic_k(bars: Bars, window: int) -> Series:
    """Where close lies between the lowest low and the highest high: 0 to 1, 0.5 when they meet."""
    close, low, high = aligned(bars.close, lowest(bars.low, window), highest(bars.high, window))
    return 0.5 + ratio((close - low) - (high - close), 2 * (high - low))


def stochastic_d(bars: Bars, window: int, smoothing: int) -> Series:
    """Moving average of `stochastic_k`: 0 to 1."""
    return fir(stochastic_k(bars, window), mean(smoothing))


def cci(bars: Bars, window: int) -> Series:
    """Typical price minus its average, over 0.015 mean absolute deviations, in hundreds."""
    above_mean = from_last(bars.typical_change, -mean(window))
    spread = average(ops.absolute(deviations(bars.typical_change, window)))
    return ratio(above_mean, 1.5 * spread)
