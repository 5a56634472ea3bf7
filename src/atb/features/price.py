"""Each price of the bar relative to a close, as a log ratio.

A feature is a function of T bars, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

from atb.features.bars import Bars
from atb.features.causal import Series, delay, log_ratio


def log_return(bars: Bars, horizon: int) -> Series:
    """Log of close over the close `horizon` bars before."""
    return log_ratio(bars.close, delay(bars.close, horizon))


def open_gap(bars: Bars) -> Series:
    """Log of open over the close before."""
    return log_ratio(bars.open, bars.previous_close)


def high_distance(bars: Bars) -> Series:
    """Log of high over close."""
    return log_ratio(bars.high, bars.close)


def low_distance(bars: Bars) -> Series:
    """Log of low over close."""
    return log_ratio(bars.low, bars.close)
