"""The newest bars of one market, kept as a serving graph takes them.

Knows the order of bars and where they are missing; nothing of models, clocks or what to do about
a gap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from atb.clock import iso, parse_time, timeframe_ms
from atb.errors import DamagedBarError, DuplicateBarError, OutOfOrderBarError
from atb.market.candle import Candle
from atb.market.candles import COLUMNS, Candles

Float32 = npt.NDArray[np.float32]

# Below it a price would be zero to the graph. Above it no market has a price or a volume, and a
# graph would begin to change its answer by it: see `atb.export.graph.Guard`.
_SMALLEST = float(np.finfo(np.float32).tiny)
_LARGEST = 1e20
_LAST_MS = parse_time("2200-01-01")  # a time beyond it is in another unit


class Window:
    """A ring of `rows` bars that always lies in memory in one piece.

    Each bar is written twice, `rows` places apart, so that the newest `rows` bars are a slice and
    nothing is moved or copied when one is added.

    Args:
        rows: bars of a whole window.
        step: length of a bar in ms.
    """

    def __init__(self, rows: int, step: int) -> None:
        self._rows, self._step = rows, step
        self._bars: Float32 = np.zeros((1, 2 * rows, len(COLUMNS)), np.float32)
        self._times = [0] * rows
        self._next = self._count = 0
        self.newest: int | None = None

    @property
    def missing(self) -> int:
        """Bars until the window is whole."""
        return self._rows - self._count

    @property
    def view(self) -> Float32:
        """`[1, rows, 5]` float32, the newest bar last; overwritten by later ones.

        Only a whole window (`missing` 0) is one.
        """
        return self._bars[:, self._next : self._next + self._rows]

    def missing_before(self, time: int) -> int:
        """Bars that are missing between the newest one and a bar that opens at `time`, ms UTC.

        Raises:
            DuplicateBarError: when such a bar is in the window.
            OutOfOrderBarError: when it is older than the newest, or opens between two bars.
        """
        if self.newest is None:
            return 0
        distance = time - self.newest
        if distance <= 0:
            raise self._refusal(time, self.newest)
        if distance % self._step:
            raise OutOfOrderBarError(
                f"a bar opens at {iso(time)}, {distance} ms after the newest one, "
                f"which is no multiple of its length of {self._step} ms",
                remedy="give bars of the model's timeframe",
            )
        return distance // self._step - 1

    def push(self, candle: Candle) -> None:
        """Take a bar as the newest one; the oldest of a whole window leaves it."""
        place = self._next
        self._bars[0, place] = self._bars[0, place + self._rows] = candle[1:]
        self._times[place] = self.newest = candle.time
        self._next = (place + 1) % self._rows
        self._count = min(self._count + 1, self._rows)

    def clear(self) -> None:
        """Begin anew; `newest` stays, so that no bar can come twice."""
        self._count = 0

    def _refusal(self, time: int, newest: int) -> DuplicateBarError | OutOfOrderBarError:
        if time in self._times:
            return DuplicateBarError(
                f"the bar of {iso(time)} was taken already", remedy="give each bar once"
            )
        return OutOfOrderBarError(
            f"the bar of {iso(time)} is older than the newest one, of {iso(newest)}",
            remedy="give bars in the order of their times",
        )


def require_possible(candle: Candle) -> None:
    """Refuse values that no market can have, and times that are not ms UTC.

    Raises:
        DamagedBarError: with the values.
    """
    time, first, high, low, last, volume = candle
    try:
        possible = isinstance(time, int) and _dated(time) and _possible(*candle[1:])
    except TypeError:  # no numbers
        possible = False
    if not possible:
        raise DamagedBarError(
            f"no market has a bar of time {time!r} with open {first!r}, high {high!r}, "
            f"low {low!r}, close {last!r}, volume {volume!r}",
            remedy="leave it out: a gap is honest",
        )


def require_sound(candles: Candles) -> None:
    """Refuse bars in disorder, doubled, between two bars, or as `require_possible` does.

    Raises:
        OutOfOrderBarError: for the first that does not come a whole number of bars after the last.
        DamagedBarError: with the values of the first that no market can have.
    """
    values = (getattr(candles, name) for name in COLUMNS)
    damaged = np.flatnonzero(~(_dated(candles.time) & _possible(*values)))
    if len(damaged):
        require_possible(candles.bar(int(damaged[0])))
    steps = np.diff(candles.time)
    wrong = np.flatnonzero((steps <= 0) | (steps % timeframe_ms(candles.timeframe) != 0))
    if len(wrong):
        row = int(wrong[0])
        raise OutOfOrderBarError(
            f"row {row + 1} of {iso(int(candles.time[row + 1]))} comes {steps[row]} ms after the "
            f"one before it, which is no number of bars of {candles.timeframe}",
            where=candles.source,
            remedy="give each bar once, in the order of their times",
        )


def _dated(time: Any) -> Any:
    """Whether a time, or each of `[N]`, can be ms UTC."""
    return (time >= 0) & (time < _LAST_MS)


def _possible(first: Any, high: Any, low: Any, last: Any, volume: Any) -> Any:
    """Whether a market can have such a bar, or `[N]` such bars; never, with NaN in it."""
    ordered = (low <= first) & (first <= high) & (low <= last) & (last <= high)
    return ordered & (low >= _SMALLEST) & (high <= _LARGEST) & (volume >= 0) & (volume <= _LARGEST)
