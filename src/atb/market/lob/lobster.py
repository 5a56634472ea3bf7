"""LOBSTER's events and states turned into a book: which lines count, and when, in what unit.

It knows types of events, halts and the opening; where the files lie is for `pairs.py`, how their
text is read for `lobster_text.py`, and whether the book is any good for `checks.py`.
Format: lobsterdata.com, "Output structure".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from atb.clock import NS_PER_SECOND
from atb.errors import DataError
from atb.events import Listener, Progress, Warned, silent
from atb.market.lob import lobster_text, pairs
from atb.market.lob.book import SIDES, Book, Float32, Int32, Int64
from atb.market.lob.lobster_text import ABSENT, Lines
from atb.market.lob.pairs import Member, Pair
from atb.market.reading import MAX_ROWS

UNITS_PER_USD = 10_000  # prices are written in whole ones
CENT = 100  # units; no tick is coarser

_NEW_YORK = ZoneInfo("America/New_York")
_DAY_SECONDS = 86_400
_EXECUTION, _HIDDEN_EXECUTION, _HALT = 4, 5, 7  # of the types 1 to 7
_TRADING_RESUMES = 1  # as the price of a halt's message

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Block:
    """n rows on their way to a book, in whose form they are but for the unit of prices.

    Attributes:
        time_ns: `[n]` int64 ns UTC.
        levels: `[n, 4 * L]` int32, prices in whole units of 1 / `UNITS_PER_USD`, or `ABSENT`.
        traded: `[n]` float32, above zero when the buyer took it.
        session: `[n]` int32.
    """

    time_ns: Int64
    levels: Int32
    traded: Float32
    session: Int32

    def __len__(self) -> int:
        return len(self.time_ns)

    @property
    def prices(self) -> tuple[Int32, Int32]:
        """`[n, L]` views of ask and bid prices."""
        return self.levels[:, 0 :: len(SIDES)], self.levels[:, 2 :: len(SIDES)]

    def step(self, coarser: int) -> int:
        """The greatest common divisor of all prices and another step, in units."""
        for prices in self.prices:
            if (prices % coarser).any():
                coarser = int(np.gcd.reduce(prices, axis=None, initial=coarser))
        return coarser

    def in_ticks(self, step: int) -> Float32:
        """`[n, 4 * L]` float32: the levels with prices in whole ticks of `step` units."""
        levels = self.levels.astype(np.float32)
        for side, prices in zip((0, 2), self.prices, strict=True):
            ticks = (prices // step).astype(np.float32)
            ticks[prices == ABSENT] = np.nan
            levels[:, side :: len(SIDES)] = ticks
        return levels


def read(path: Path, symbol: str | None = None, listen: Listener = silent) -> Book:
    """The book of a zip, a folder, or one of two files; days follow each other as sessions.

    Left out are rows while trading is halted, rows of which a side is empty, and rows at the
    opening whose best prices are crossed or locked; another session begins after them. `traded` is
    the size of visible and hidden executions (types 4 and 5), above zero where a sell order was
    executed: the buyer took it. Auction trades (type 6) have no taker and count as none. The tick
    is the greatest common divisor of all prices and one cent.

    Args:
        path: see `pairs.find`.
        symbol: the ticker where several lie together, or another name for the only one.
        listen: told of progress in rows, and what is left out.

    Raises:
        DataError: naming the file, and the line where one is to blame.
    """
    found = pairs.find(path, symbol)
    made: list[Block] = []
    if symbol not in (None, found[0].symbol):
        listen(Warned(f"{path} is of {found[0].symbol}: it is taken for {symbol}"))
    step, rows = CENT, 0
    for block in blocks(found, listen):
        step, rows = block.step(step), rows + len(block)
        if rows > MAX_ROWS:
            raise DataError(
                f"it has more than {MAX_ROWS:,} rows",
                where=str(path),
                remedy="keep it day by day with: atb data import",
            )
        made.append(block)
    if not rows:
        raise DataError("no row is left", where=str(path), remedy="give a book that opens")
    levels = np.empty((rows, made[0].levels.shape[1]), np.float32)
    ends = np.cumsum([len(block) for block in made])
    for end, block in zip(ends, made, strict=True):
        levels[end - len(block) : end] = block.in_ticks(step)
    return Book(
        symbol or found[0].symbol,
        np.concatenate([block.time_ns for block in made]),
        levels,
        np.concatenate([block.traded for block in made]),
        np.concatenate([block.session for block in made]),
        tick=step / UNITS_PER_USD,
        source="lobster",
    )


def blocks(found: Iterable[Pair], listen: Listener = silent) -> Iterator[Block]:
    """The rows of pairs that follow each other, some thousands at a time, in bounded memory.

    Raises:
        DataError: as `read` does.
    """
    session = 0
    for pair in found:
        day, rows = f"{pair.symbol} {pair.date}", 0
        trading = _Trading(session)
        clock = _Clock(midnight_ns(pair.date), pair.message)
        for lines in lobster_text.lines(pair):
            time_ns = clock.read(lines)
            _require_known(lines, pair.message)
            kept, number = trading.admit(lines)
            if kept.any():
                columns = (time_ns, lines.levels, _traded(lines), number)
                yield Block(*(columns if kept.all() else (column[kept] for column in columns)))
            rows += len(kept)
            listen(Progress(day, rows, 0))
        listen(Progress(day, rows, rows))
        for message in trading.left_out():
            listen(Warned(f"{day}: {message} are left out"))
        session = trading.session


def midnight_ns(day: date) -> int:
    """Midnight of a day in New York in ns UTC, by the offset that holds at its noon.

    >>> midnight_ns(date(2012, 6, 21)) // 10**9 % 86_400 // 3_600
    4
    """
    noon = datetime.combine(day, time(12), _NEW_YORK).astimezone(UTC)
    return (int(noon.timestamp()) - _DAY_SECONDS // 2) * NS_PER_SECOND


@dataclass
class _Clock:
    """Times of one day, which must not run backwards from one block to the next."""

    midnight_ns: int
    member: Member
    last_ns: int = 0

    def read(self, lines: Lines) -> Int64:
        """`[n]` int64 ns UTC.

        Seconds of one day have nanoseconds within float64: its steps are 15 ps at most there.
        """
        outside = ~((lines.seconds >= 0) & (lines.seconds <= _DAY_SECONDS))
        if outside.any():
            raise _at(self.member, lines, outside, "the time {0} is none of a day", lines.seconds)
        time_ns = np.rint(lines.seconds * NS_PER_SECOND).astype(np.int64)
        backwards = np.diff(time_ns, prepend=self.last_ns) < 0
        if backwards.any():
            problem = "the time runs backwards to {0} s after midnight"
            raise _at(self.member, lines, backwards, problem, lines.seconds)
        self.last_ns = int(time_ns[-1])
        return time_ns + self.midnight_ns


@dataclass
class _Trading:
    """Which rows belong to trading, and to which session, carried from block to block.

    `session` counts those begun.
    """

    session: int
    halted: bool = False
    opened: bool = False
    kept: bool = False
    halted_rows: int = 0
    empty_rows: int = 0
    crossed_rows: int = 0

    def admit(self, lines: Lines) -> tuple[Bools, Int32]:
        """`[n]` the rows to keep, and the session of each."""
        ask, bid = lines.levels[:, 0], lines.levels[:, 2]
        news = lines.kind == _HALT
        latest = _last(news)
        halted = np.where(latest > 0, lines.price[latest - 1] != _TRADING_RESUMES, self.halted)
        trading = ~(halted | news)
        priced = trading & (ask != ABSENT) & (bid != ABSENT)
        last_halt = _last(halted)
        opened = (_last(priced & (ask > bid)) > last_halt) | (self.opened & (last_halt == 0))
        kept = priced & opened
        begins = kept & ~np.append(self.kept, kept[:-1])
        number = (self.session + np.cumsum(begins) - 1).astype(np.int32)
        self.session += int(begins.sum())
        self.halted, self.opened, self.kept = bool(halted[-1]), bool(opened[-1]), bool(kept[-1])
        self.halted_rows += int((halted & ~news).sum())
        self.empty_rows += int((trading & ~priced).sum())
        self.crossed_rows += int((priced & ~opened).sum())
        return kept, number

    def left_out(self) -> list[str]:
        """How many rows were left out, by reason."""
        reasons = {
            "opening rows with a crossed or locked book": self.crossed_rows,
            "rows with an empty side of the book": self.empty_rows,
            "rows while trading was halted": self.halted_rows,
        }
        return [f"{count:,} {reason}" for reason, count in reasons.items() if count]


def _last(marks: Bools) -> Int64:
    """`[n]` position, counted from 1, of the last mark up to each row; 0 before the first."""
    return np.maximum.accumulate(np.where(marks, np.arange(1, len(marks) + 1), 0))


def _traded(lines: Lines) -> Float32:
    executed = (lines.kind == _EXECUTION) | (lines.kind == _HIDDEN_EXECUTION)
    return np.where(executed, -lines.direction * lines.size, 0).astype(np.float32)


def _require_known(lines: Lines, member: Member) -> None:
    unknown = (lines.kind < 1) | (lines.kind > _HALT)
    if unknown.any():
        raise _at(member, lines, unknown, "the event's type {0} is none of 1 to 7", lines.kind)
    undirected = np.abs(lines.direction) != 1
    if undirected.any():
        raise _at(member, lines, undirected, "the direction {0} is not 1 or -1", lines.direction)


def _at(
    member: Member, lines: Lines, marks: Bools, problem: str, column: npt.NDArray[np.generic]
) -> DataError:
    """What is wrong with the first marked line."""
    row = int(np.argmax(marks))
    return DataError(
        problem.format(column[row]),
        where=f"{member.where}, line {lines.first + row}",
        remedy="download both files again",
    )
