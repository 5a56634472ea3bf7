"""How far prices move per bar, from closes, from ranges and from both.

A feature is a function of T bars, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

import math

from keras import ops

from atb.features.bars import Bars
from atb.features.causal import (
    Series,
    aligned,
    contrast,
    deviations,
    fir,
    from_last,
    highest,
    log_ratio,
    lowest,
    mean,
    norm,
    ratio,
    relative,
    wilder,
)


def atr(bars: Bars, window: int) -> Series:
    """Wilder's average of the true range, relative to close."""
    return relative(fir(bars.true_range, wilder(window)), bars.close)


def range_ratio(bars: Bars, window: int) -> Series:
    """The bar's true range against its Wilder average, as a contrast: -1 to 1."""
    return contrast(bars.true_range, fir(bars.true_range, wilder(window)))


def bollinger_position(bars: Bars, window: int) -> Series:
    """Where close lies between the bands two deviations around the mean: 0 low, 1 high."""
    mean_from_close = from_last(bars.change, mean(window))
    return 0.5 - ratio(mean_from_close, _bands(bars, window))


def bollinger_width(bars: Bars, window: int) -> Series:
    """Distance between the bands, relative to the mean."""
    close, mean_from_close = aligned(bars.close, from_last(bars.change, mean(window)))
    return relative(_bands(bars, window), close + mean_from_close)


def _bands(bars: Bars, window: int) -> Series:
    """Four standard deviations of the population of the closes, in price."""
    return norm(deviations(bars.change, window, factor=4 / math.sqrt(window)))


def realised_volatility(bars: Bars, window: int) -> Series:
    """Root mean square of the log returns."""
    return ops.sqrt(fir(ops.square(bars.log_return), mean(window)))


def parkinson(bars: Bars, window: int) -> Series:
    """Volatility per bar from high and low."""
    return ops.sqrt(fir(ops.square(bars.log_range), mean(window)) / (4 * math.log(2)))


def garman_klass(bars: Bars, window: int) -> Series:
    """Volatility per bar from high, low, open and close."""
    body = ops.square(log_ratio(bars.close, bars.open))
    variance = 0.5 * ops.square(bars.log_range) - (2 * math.log(2) - 1) * body
    return ops.sqrt(fir(ops.relu(variance), mean(window)))


def channel_width(bars: Bars, window: int) -> Series:
    """Log of the highest high over the lowest low."""
    return log_ratio(highest(bars.high, window), lowest(bars.low, window))
