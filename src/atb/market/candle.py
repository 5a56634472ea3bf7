"""One bar, as it comes from a live market: the stream's counterpart of `candles.Candles`."""

from __future__ import annotations

from typing import NamedTuple


class Candle(NamedTuple):
    """One closed bar.

    Attributes:
        time: ms UTC, open of the bar.
        open, high, low, close: in the quote currency.
        volume: in the base currency.
    """

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float
