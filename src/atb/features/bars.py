"""A candle tensor seen as named series, with what many features share computed once.

Knows the order of the columns and first differences; everything longer is a feature's business.
"""

from __future__ import annotations

from functools import cached_property

from keras import ops

from atb.features.causal import Series, delay, log_ratio


class Bars:
    """View of candles `[B, T, 5]` (open, high, low, close, volume); each series is `[B, T, 1]`."""

    def __init__(self, candles: Series) -> None:
        self.open = candles[..., 0:1]
        self.high = candles[..., 1:2]
        self.low = candles[..., 2:3]
        self.close = candles[..., 3:4]
        self.volume = candles[..., 4:5]

    @cached_property
    def previous_close(self) -> Series:
        """Close of the bar before."""
        return delay(self.close, 1)

    @cached_property
    def change(self) -> Series:
        """Close minus the close before, in price."""
        return self.close - self.previous_close

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
        top = ops.maximum(self.high, self.previous_close)
        return top - ops.minimum(self.low, self.previous_close)

    @cached_property
    def typical_change(self) -> Series:
        """Change of the typical price `(high + low + close) / 3`, summed from exact differences."""
        changes = [x - delay(x, 1) for x in (self.high, self.low, self.close)]
        return (changes[0] + changes[1] + changes[2]) / 3
