"""Bars of a spot market as they close on Binance: each once, none before its close there.

Only the exchange's own clock says what is closed, and it is asked before each look at the bars.
Knows nothing of models or accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import requests

from atb.clock import iso, timeframe_ms
from atb.errors import DataError
from atb.events import Listener, Noted, Warned, silent
from atb.market import checks
from atb.market.candles import Candles
from atb.market.download import Patience, UnservedError
from atb.market.exchange_clock import ExchangeClock
from atb.market.feed import Stop
from atb.market.klines import SAFETY_MS, Endpoints, Klines
from atb.market.timer import Timer
from atb.workspace import check_symbol

_OVERDUE_MS = 60_000  # a hole is the exchange's own once the bar after it is closed for so long
_LONGEST_WAIT_S = 60.0  # an outage, or a machine that slept, is noticed this soon
_SILENCE_S = 10.0  # a request in progress cannot be stopped


@dataclass
class BinanceFeed:
    """The closed bars of one symbol.

    Attributes:
        klines: how its bars are asked for.
        clock: the exchange's.
        sleep_seconds: between two questions for a bar that should be there.
        listen: told when the exchange cannot be asked, and when it can again.
        timer: what passes between two questions.
        trouble: why it cannot be asked at present; None where it can.
    """

    klines: Klines
    clock: ExchangeClock
    sleep_seconds: float
    listen: Listener
    timer: Timer
    trouble: str | None = None

    @classmethod
    def of(
        cls,
        symbol: str,
        timeframe: str,
        endpoints: Endpoints | None = None,
        sleep_seconds: float = 10.0,
        listen: Listener = silent,
        timer: Timer | None = None,
    ) -> BinanceFeed:
        """A feed that has asked nothing yet.

        Raises:
            UsageError: when the symbol can be none, or the timeframe is none.
        """
        timeframe_ms(timeframe)
        where, timer = endpoints or Endpoints(), timer or Timer()
        patience = replace(where.patience, silence=min(where.patience.silence, _SILENCE_S))
        session = requests.Session()
        klines = Klines(check_symbol(symbol), timeframe, session, where.rest, patience)
        clock = ExchangeClock(session, where.rest, timer)
        return cls(klines, clock, sleep_seconds, listen, timer)

    @property
    def symbol(self) -> str:
        """The market."""
        return self.klines.symbol

    @property
    def timeframe(self) -> str:
        """Length of a bar."""
        return self.klines.timeframe

    @property
    def source(self) -> str:
        """The exchange's name."""
        return "binance"

    @property
    def synthetic(self) -> bool:
        """False: an exchange simulates nothing."""
        return False

    def now(self) -> int:
        """The present by the exchange's clock, ms UTC.

        Raises:
            SourceUnavailableError, DataError: when it was never asked, and cannot be.
        """
        return self.clock.now(self.klines.patience)

    def history(self, bars: int, until_ms: int | None = None) -> Candles:
        """The newest closed bars, in order: at most so many, that close at or before a time.

        Raises:
            UsageError: when the exchange does not list the symbol.
            SourceUnavailableError: when it cannot be reached.
            DataError: when what it sends is damaged.
        """
        now = self.clock.ask(self.klines.patience)
        until = now - SAFETY_MS if until_ms is None else min(until_ms, now - SAFETY_MS)
        found = self._checked(self.klines.newest(bars, until - self._step + 1))
        return self._whole(found, int(found.time[0]), now) if len(found) else found

    def next(self, after_ms: int, stop: Stop) -> Candles:
        """Wait for bars that open after `after_ms` and are closed: all there are, in order.

        None are returned once `stop` is true.

        Raises:
            UsageError: when the exchange does not list the symbol.
        """
        once = replace(self.klines.patience, attempts=1)
        failures = 0
        while not stop():
            try:
                found = self._since(after_ms, once)
            except DataError as error:
                self._tell(f"{error.where}: {error.what}")
                wait = max(once.wait(failures), _wished(error))
                failures += 1
            else:
                failures = 0
                self._tell(None)
                if len(found):
                    return found
                wait = self._until_due(after_ms)
            self.timer.wait(wait, stop)
        return self.klines.none()

    @property
    def _step(self) -> int:
        return timeframe_ms(self.timeframe)

    def _since(self, after_ms: int, patience: Patience) -> Candles:
        """What there is after a bar, asked for once."""
        now = self.clock.ask(patience)
        end = now - SAFETY_MS - self._step + 1
        if after_ms + self._step >= end:
            return self.klines.none()
        found = replace(self.klines, patience=patience).span(after_ms + 1, end)
        return self._whole(self._checked(found), after_ms, now)

    def _checked(self, found: Candles) -> Candles:
        checks.require(checks.inspect(found), self.klines.rest)
        return found

    def _whole(self, found: Candles, after_ms: int, now: int) -> Candles:
        """The bars before the first hole that the exchange may yet fill."""
        missing = np.diff(found.time, prepend=after_ms) > self._step
        fresh = found.close_time > now - self._overdue
        holes = np.flatnonzero(missing & fresh)
        return found.rows(0, int(holes[0])) if len(holes) else found

    @property
    def _overdue(self) -> int:
        """How long what follows a hole is held back, ms: no bar comes later than in its half."""
        return min(_OVERDUE_MS, self._step // 2)

    def _until_due(self, after_ms: int) -> float:
        """Seconds until the next question."""
        due = after_ms + 2 * self._step + SAFETY_MS
        left = (due - self.now()) / 1000
        return min(left, _LONGEST_WAIT_S) if left > 0 else self.sleep_seconds

    def _tell(self, trouble: str | None) -> None:
        """Note how things stand; the listener hears when trouble begins and ends."""
        if self.trouble is None and trouble is not None:
            self.listen(Warned(f"{trouble}; it is asked again until it answers"))
        elif self.trouble is not None and trouble is None:
            self.listen(Noted(f"Binance answers again at {iso(self.now())}"))
        self.trouble = trouble


def _wished(error: DataError) -> float:
    """Seconds for which a server wants to be left alone; 0 where it does not say."""
    return (error.wait or 0.0) if isinstance(error, UnservedError) else 0.0
