"""A book tensor seen as named sides, with what many features share computed once.

Knows the order of the columns, the mid price and order flow; everything else is a feature's
business. Prices are only ever used as differences: whole ticks below 2^24 subtract exactly.
"""

from __future__ import annotations

from functools import cached_property

from keras import ops

from atb.features.causal import Series, delay, difference
from atb.market.lob import book

SIDES, FLOW = len(book.SIDES), len(book.FLOW)  # columns of a level, and beside the levels


class Levels:
    """View of a book `[B, T, 4 * L + 2]` as sides `[B, T, L]` and flow `[B, T, 1]`.

    The columns are ask price, ask size, bid price, bid size of each level, best first, then the
    signed size traded and the seconds since the row before.
    """

    def __init__(self, rows: Series) -> None:
        self.ladder = rows[:, :, :-FLOW]
        self.traded, self.seconds = rows[:, :, -2:-1], rows[:, :, -1:]
        self.ask_price, self.bid_price = self.ladder[:, :, 0::SIDES], self.ladder[:, :, 2::SIDES]

    @cached_property
    def ask_size(self) -> Series:
        """Sizes on the ask side, NaN where a level is absent."""
        return ops.where(ops.isnan(self.ask_price), self.ask_price, self.ladder[:, :, 1::SIDES])

    @cached_property
    def bid_size(self) -> Series:
        """Sizes on the bid side, NaN where a level is absent."""
        return ops.where(ops.isnan(self.bid_price), self.bid_price, self.ladder[:, :, 3::SIDES])

    @cached_property
    def spread(self) -> Series:
        """Best ask minus best bid, in ticks."""
        return self.ask_price[:, :, :1] - self.bid_price[:, :, :1]

    def mid_change(self, rows: int) -> Series:
        """Mid price minus the mid price `rows` rows before, in ticks."""
        ask, bid = self.ask_price[:, :, :1], self.bid_price[:, :, :1]
        return ((ask[:, rows:] - ask[:, :-rows]) + (bid[:, rows:] - bid[:, :-rows])) / 2

    @cached_property
    def ask_flow(self) -> Series:
        """Size that came to the ask side of each level since the row before.

        All that stands at a better price, less all that stood where the price left, or the change
        of the size where the price stayed (Kolm, Turiel and Westray 2023).
        """
        return _flow(ops.sign(-difference(self.ask_price)), self.ask_size)

    @cached_property
    def bid_flow(self) -> Series:
        """Size that came to the bid side of each level since the row before; see `ask_flow`."""
        return _flow(ops.sign(difference(self.bid_price)), self.bid_size)

    @cached_property
    def flow_imbalance(self) -> Series:
        """Bid flow minus ask flow of each level: `e` of Cont, Kukanov and Stoikov 2014."""
        return self.bid_flow - self.ask_flow


def _flow(better: Series, size: Series) -> Series:
    """New size where the price is no worse, less the old one where it is no better.

    In sums and products, not comparisons: what is compared with NaN is false, a number.
    """
    no_worse, no_better = ops.minimum(1 + better, 1), ops.minimum(1 - better, 1)
    return no_worse * size[:, 1:] - no_better * delay(size, 1)
