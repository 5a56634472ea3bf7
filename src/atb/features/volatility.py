"""How far prices move per bar, from closes, from ranges and from both.

A feature is a function of the bars, and of its parameters in the catalogue, to `[B, T, 1]`.
"""

from __future__ import annotations

import math

import numpy as np
from keras import ops

from atb.features.bars import Bars
from atb.features.causal import (
    Series,
    contrast,
    fir,
    from_last,
    highest,
    log_ratio,
    lowest,
    mean,
    ratio,
    wilder,
)


def atr(bars: Bars, window: int) -> Series:
    """Wilder's average of the true range, relative to close."""
    return fir(bars.true_range, wilder(window)) / bars.close


def range_ratio(bars: Bars, window: int) -> Series:
    """The bar's true range against its Wilder average, as a contrast: -1 to 1."""
    return contrast(bars.true_range, fir(bars.true_range, wilder(window)))


def bollinger_position(bars: Bars, window: int) -> Series:
    """Where close lies between the bands two deviations around the mean: 0 low, 1 high."""
    centre, deviation = _band(bars, window)
    return 0.5 + ratio(-centre, 4 * deviation)


def bollinger_width(bars: Bars, window: int) -> Series:
    """Distance between the bands, relative to the mean."""
    centre, deviation = _band(bars, window)
    return 4 * deviation / (bars.close + centre)


def _band(bars: Bars, window: int) -> tuple[Series, Series]:
    """Mean of the closes relative to the last, and their population deviation, in price."""
    deviations = from_last(bars.change, np.eye(window))
    centre = ops.mean(deviations, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(deviations - centre), axis=-1, keepdims=True)
    return centre, ops.sqrt(variance)


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
