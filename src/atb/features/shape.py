"""The form of a single candle, in shares of its range; a flat bar has none.

A feature is a function of T bars, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.bars import Bars
from atb.features.causal import Series, ratio


def body(bars: Bars) -> Series:
    """Close minus open over the range: -1 to 1."""
    return ratio(bars.close - bars.open, bars.range)


def upper_shadow(bars: Bars) -> Series:
    """High minus the body's top over the range: 0 to 1."""
    return ratio(bars.high - ops.maximum(bars.open, bars.close), bars.range)


def lower_shadow(bars: Bars) -> Series:
    """The body's bottom minus low over the range: 0 to 1."""
    return ratio(ops.minimum(bars.open, bars.close) - bars.low, bars.range)
