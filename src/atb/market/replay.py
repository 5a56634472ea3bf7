"""A market that was: candles handed out bar by bar, at a multiple of the market's pace.

Its clock is virtual and moves only while the next bar is waited for, so that whoever is slow misses
nothing and is never late: a slow machine makes a replay slower. It knows nothing of files, models
or accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from atb.clock import iso
from atb.errors import DataError, UsageError
from atb.market.candles import Candles, Int64
from atb.market.feed import Stop
from atb.market.timer import Timer


@dataclass
class ReplayFeed:
    """The bars of `candles` from `first_row` on, one at a time; those before it are history.

    Attributes:
        candles: checked, in time order.
        first_row: its open is the time at which the replay begins.
        speed: in multiples of the market's pace; None is as fast as it is asked.
        timer: what passes between two bars.

    Raises:
        DataError: when there is no bar at `first_row`.
        UsageError: for a speed that is no positive number.
    """

    candles: Candles
    first_row: int = 0
    speed: float | None = None
    timer: Timer = field(default_factory=Timer)
    _closes: Int64 = field(init=False, repr=False)
    _at: int = field(init=False, repr=False)  # virtual ms UTC, before what is being waited for
    _wait: tuple[float, int] | None = field(init=False, repr=False)  # begun then, until ms UTC

    def __post_init__(self) -> None:
        if not 0 <= self.first_row < len(self.candles):
            raise self._nothing()
        if self.speed is not None and not 0 < self.speed < np.inf:
            raise UsageError(
                f"{self.speed} is no speed", where="--speed", remedy="give a number above 0"
            )
        self._closes = self.candles.close_time
        self._at, self._wait = int(self.candles.time[self.first_row]), None

    @property
    def symbol(self) -> str:
        """The market."""
        return self.candles.symbol

    @property
    def timeframe(self) -> str:
        """Length of a bar."""
        return self.candles.timeframe

    @property
    def source(self) -> str:
        """Where the candles came from."""
        return self.candles.source

    @property
    def synthetic(self) -> bool:
        """Whether a simulator made any of them."""
        return self.candles.synthetic

    @property
    def trouble(self) -> str | None:
        """None: what was can always be asked."""
        return None

    def now(self) -> int:
        """The virtual present, ms UTC."""
        if self.speed is None or (wait := self._wait) is None:
            return self._at
        begun, until = wait
        passed = (self.timer.seconds() - begun) * 1000 * self.speed
        return min(self._at + int(passed), until)

    def history(self, bars: int, until_ms: int | None = None) -> Candles:
        """The newest bars, in order: at most so many, that close by then and by the present."""
        now = self.now()
        until = now if until_ms is None else min(until_ms, now)
        stop = int(np.searchsorted(self._closes, until, "right"))
        return self.candles.rows(max(0, stop - bars), stop)

    def next(self, after_ms: int, stop: Stop) -> Candles:
        """The bars after one, as soon as there are any; none at the end, or once `stop` is true."""
        start = int(np.searchsorted(self.candles.time, after_ms, "right"))
        none = self.candles.rows(start, start)
        if start == len(self.candles) or stop():
            return none
        due = int(self._closes[start])
        if self.speed is not None and due > self._at:
            self._wait = self.timer.seconds(), due
            self.timer.wait((due - self._at) / 1000 / self.speed, stop)
            self._at, self._wait = self.now(), None
            if stop():
                return none
        self._at = max(self._at, due)
        return self.candles.rows(start, int(np.searchsorted(self._closes, self._at, "right")))

    def _nothing(self) -> DataError:
        bars = len(self.candles)
        until = f", the last of {iso(int(self.candles.time[-1]))}" if bars else ""
        return DataError(
            f"there is no bar {self.first_row} to begin with: it has {bars:,}{until}",
            where=self.candles.source,
            remedy="give candles that reach further, or begin earlier",
        )
