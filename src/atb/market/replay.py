"""A market that was: candles handed out bar by bar, at a multiple of the market's pace.

Its clock is virtual. It begins when the first bar is asked for, and stands still once the next has
closed, until that bar is asked for, so that whoever is slow misses nothing. It knows nothing of
files, models or accounts.
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
    _row: int = field(init=False, repr=False)  # the next to be handed out
    _at: int = field(init=False, repr=False)  # virtual ms UTC when `_since` was
    _since: float | None = field(init=False, repr=False)  # of the timer; None before the first bar

    def __post_init__(self) -> None:
        if not 0 <= self.first_row < len(self.candles):
            raise self._nothing()
        if self.speed is not None and not 0 < self.speed < np.inf:
            raise UsageError(
                f"{self.speed} is no speed", where="--speed", remedy="give a number above 0"
            )
        self._closes = self.candles.close_time
        self._row = self.first_row
        self._at, self._since = int(self.candles.time[self.first_row]), None

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
        """The virtual present, ms UTC: never past the close of the next bar to be handed out."""
        if self.speed is None or self._since is None:
            return self._at
        passed = (self.timer.seconds() - self._since) * 1000 * self.speed
        row = min(self._row, len(self._closes) - 1)
        return min(self._at + int(passed), int(self._closes[row]))

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
        self._set(self.now())
        if self.speed is not None and due > self._at:
            self.timer.wait((due - self._at) / 1000 / self.speed, stop)
            if stop():
                return none
        self._set(max(self._at, due))
        self._row = int(np.searchsorted(self._closes, self._at, "right"))
        return self.candles.rows(start, self._row)

    def _set(self, at: int) -> None:
        """The virtual present is this."""
        self._at, self._since = at, self.timer.seconds()

    def _nothing(self) -> DataError:
        bars = len(self.candles)
        until = f", the last of {iso(int(self.candles.time[-1]))}" if bars else ""
        return DataError(
            f"there is no bar {self.first_row} to begin with: it has {bars:,}{until}",
            where=self.candles.source,
            remedy="give candles that reach further, or begin earlier",
        )
