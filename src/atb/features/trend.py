"""Where the price stands to its averages and where it is going, relative to the last close.

A feature is a function of the bars, and of its parameters in the catalogue, to `[B, T, 1]`.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from atb.features.bars import Bars
from atb.features.causal import (
    Series,
    Weights,
    cut,
    delay,
    ema,
    fir,
    from_last,
    mean,
    ratio,
    wilder,
)


def sma_distance(bars: Bars, window: int) -> Series:
    """Close minus its moving average, relative to close."""
    return -from_last(bars.change, mean(window)) / bars.close


def macd(bars: Bars, fast: int, slow: int) -> Series:
    """Fast minus slow exponential average, relative to close."""
    return from_last(bars.change, cut(_macd(fast, slow))) / bars.close


def macd_signal(bars: Bars, fast: int, slow: int, smoothing: int) -> Series:
    """Exponential average of the MACD line in price, relative to close."""
    weights = np.convolve(_macd(fast, slow), ema(smoothing))
    return from_last(bars.change, cut(weights)) / bars.close


def _macd(fast: int, slow: int) -> Weights:
    return ema(fast) - ema(slow)


def slope(bars: Bars, window: int) -> Series:
    """Slope per bar of the least-squares line through the closes, relative to close."""
    time = (window - 1) / 2 - np.arange(window)
    return from_last(bars.change, time / np.sum(time**2)) / bars.close


def efficiency(bars: Bars, window: int) -> Series:
    """Net change of close over the way it went: -1 to 1."""
    net = fir(bars.change, np.ones(window))
    return ratio(net, fir(ops.absolute(bars.change), np.ones(window)))


def directional_movement(bars: Bars, window: int) -> Series:
    """Upward minus downward directional indicator: -1 to 1."""
    up = ops.relu(bars.high - delay(bars.high, 1))
    down = ops.relu(delay(bars.low, 1) - bars.low)
    movement = ops.where(up > down, up, 0.0) - ops.where(down > up, down, 0.0)
    weights = wilder(window)
    return ratio(fir(movement, weights), fir(bars.true_range, weights))
