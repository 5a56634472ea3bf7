"""Where the price stands to its averages and where it is going, relative to the last close.

A feature is a function of T bars, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

import numpy as np
from keras import ops

from atb.features.bars import Bars
from atb.features.causal import (
    Series,
    Weights,
    cut,
    difference,
    ema,
    fir,
    from_last,
    mean,
    ratio,
    relative,
    wilder,
)


def sma_distance(bars: Bars, window: int) -> Series:
    """Close minus its moving average, relative to close."""
    return _of_close(bars, -mean(window))


def macd(bars: Bars, fast: int, slow: int) -> Series:
    """Fast minus slow exponential average, relative to close."""
    return _of_close(bars, cut(_macd(fast, slow)))


def macd_signal(bars: Bars, fast: int, slow: int, smoothing: int) -> Series:
    """Exponential average of the MACD line in price, relative to close."""
    return _of_close(bars, cut(np.convolve(_macd(fast, slow), ema(smoothing))))


def _macd(fast: int, slow: int) -> Weights:
    return ema(fast) - ema(slow)


def _of_close(bars: Bars, weights: Weights) -> Series:
    """Weighted sum of the closes' distances from the last, in shares of the last."""
    return relative(from_last(bars.change, weights), bars.close)


def slope(bars: Bars, window: int) -> Series:
    """Slope per bar of the least-squares line through the closes, relative to close."""
    time = (window - 1) / 2 - np.arange(window)
    return _of_close(bars, time / np.sum(time**2))


def efficiency(bars: Bars, window: int) -> Series:
    """Net change of close over the way it went: -1 to 1."""
    net = fir(bars.change, np.ones(window))
    return ratio(net, fir(ops.absolute(bars.change), np.ones(window)))


def directional_movement(bars: Bars, window: int) -> Series:
    """Upward minus downward directional indicator: -1 to 1."""
    up, down = ops.relu(difference(bars.high)), ops.relu(-difference(bars.low))
    movement = ops.where(up > down, up, 0.0) - ops.where(down > up, down, 0.0)
    weights = wilder(window)
    return ratio(fir(movement, weights), fir(bars.true_range, weights))
