"""A tensor of a bond's days seen as named series, with what several features share.

Knows the order of the columns; everything longer than a day's difference is a feature's business.
"""

from __future__ import annotations

from functools import cached_property

from keras import ops

from atb.features.causal import Series, delay, difference, log_ratio
from atb.market.bonds.bonds import COLUMNS


class Days:
    """View of a bond's days `[B, T, 9]` as series `[B, T, 1]`; see `atb.market.bonds.bonds`."""

    def __init__(self, rows: Series) -> None:
        columns = dict(zip(COLUMNS, ops.split(rows, len(COLUMNS), axis=-1), strict=True))
        self.price, self.fair_value = columns["price"], columns["fair_value"]
        self.own_yield, self.level = columns["yield"], columns["level"]
        self.slope, self.curvature = columns["slope"], columns["curvature"]
        self.duration, self.convexity = columns["duration"], columns["convexity"]
        self.carry = columns["carry"]

    @cached_property
    def excess_return(self) -> Series:
        """Log of price over the price before: what the day made beyond carry and roll-down."""
        return log_ratio(self.price, delay(self.price, 1))

    @cached_property
    def yield_change(self) -> Series:
        """Yield minus the yield before, in percentage points."""
        return difference(self.own_yield)
