"""What a live loop asks of a market: what was, what comes next, and what time it is there.

A feed has a clock of its own, since an exchange's is not this machine's, and a replay's is neither.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from atb.market.candles import Candles

Stop = Callable[[], bool]


class Feed(Protocol):
    """Closed bars of one symbol and timeframe."""

    @property
    def symbol(self) -> str:
        """The market."""
        ...

    @property
    def timeframe(self) -> str:
        """Length of a bar."""
        ...

    @property
    def source(self) -> str:
        """Where they come from, for people: `binance`, or a file's name."""
        ...

    @property
    def synthetic(self) -> bool:
        """Whether a simulator made any of it."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why the market cannot be asked at present; None where it can."""
        ...

    def now(self) -> int:
        """The present by the market's clock, ms UTC."""
        ...

    def history(self, bars: int, until_ms: int | None = None) -> Candles:
        """The newest closed bars, in order: at most so many, that close at or before a time.

        Raises:
            SourceUnavailableError: when the market cannot be asked.
        """
        ...

    def next(self, after_ms: int, stop: Stop) -> Candles:
        """Wait for bars that open after `after_ms` and are closed: all there are, in order.

        While the market cannot be asked it is asked again, ever less often; nothing is missed or
        comes twice. None are returned when there will be no more, or once `stop` is true.
        """
        ...
