"""A candle tensor seen as named series, with what many features share computed once.

Knows the order of the columns and first differences; everything longer is a feature's business.
"""

from __future__ import annotations

from functools import cached_property

from keras import ops

from atb.features.causal import Series, aligned, delay, difference, log_ratio


class Bars:
    """View of candles `[B, T, 5]` (open, high, low, close, volume) as series `[B, T, 1]`."""

    def __init__(self, candles: Series) -> None:
        columns = ops.split(candles, 5, axis=-1)
        self.open, self.high, self.low, self.close, self.volume = columns

    @cached_property
    def previous_close(self) -> Series:
        """Close of the bar before."""
        return delay(self.close, 1)

    @cached_property
    def change(self) -> Series:
        """Close minus the close before, in price."""
        return difference(self.close)

    @cached_property
    def log_return(self) -> Series:
        """Log of close over the close before."""
        return log_ratio(self.close, self.previous_close)

    @cached_property
    def range(self) -> Series:
        """High minus low, in price."""
        return self.high - self.low

    @cached_property
    def log_range(self) -> Series:
        """Log of high over low."""
        return log_ratio(self.high, self.low)

    @cached_property
    def true_range(self) -> Series:
        """The bar's range extended to the close before, in price (Wilder 1978)."""
        high, low, before = aligned(self.high, self.low, self.previous_close)
        return ops.maximum(high, before) - ops.minimum(low, before)

    @cached_property
    def typical_change(self) -> Series:
        """Change of the typical price `(high + low + close) / 3`, summed from exact differences."""
        return (difference(self.high) + difference(self.low) + self.change) / 3
