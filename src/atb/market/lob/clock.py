"""A book by another clock: fewer rows, at even steps of events, of time or of size traded.

It knows rows and sessions, not where they come from. A row's content is never later than its
time, no row stands where nothing happened, and no step reaches across sessions: what follows the
last full step of a session is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from atb.clock import NS_PER_SECOND
from atb.config.data import Clock
from atb.errors import ConfigError, DataError
from atb.market.lob.book import Book, Float32, Int64

Bools = npt.NDArray[np.bool_]


def sampled(book: Book, clock: Clock, every: float) -> Book:
    """The rows of a book at which a clock ticks; `traded` is summed over each step.

    - `event`: every `every`-th row of a session; 1 is the book itself.
    - `time`: the last row before each whole multiple of `every` seconds since 1970, under the time
      of that multiple: only then is it known to be the last.
    - `volume`: the row with which another `every` units have been traded in its session.

    Raises:
        ConfigError: when `every` is no step of that clock.
    """
    if clock == "event" and every == 1:
        return book
    if not (every > 0 and np.isfinite(every)) or (clock == "event" and every % 1):
        raise ConfigError(
            f"a step of {every} is none of the {clock} clock",
            remedy="give a number above 0; of events a whole one",
        )
    taken = np.flatnonzero(_TICKS[clock](book, every))
    traded = _summed(book, taken)
    time_ns = book.time_ns[taken]
    if clock == "time":
        time_ns = (time_ns // _nanoseconds(every) + 1) * _nanoseconds(every)
    return replace(
        book,
        time_ns=time_ns,
        levels=book.levels[taken],
        traded=traded,
        session=book.session[taken],
    )


def never_ticks(symbol: str) -> DataError:
    """What a clock of volume says of a book in which nothing is traded."""
    return DataError(
        "the book has no trades (no `traded`), so the volume clock never ticks",
        where=symbol,
        remedy="give a book with trades, or take --clock event or time",
    )


def _summed(book: Book, taken: Int64) -> Float32:
    """`[M]` what was traded in each step; nothing of rows after their session's last."""
    step = np.searchsorted(taken, np.arange(len(book)))
    within = step < len(taken)
    within[within] = book.session[taken[step[within]]] == book.session[within]
    return np.bincount(step[within], book.traded[within], len(taken)).astype(np.float32)


def _first(book: Book) -> Int64:
    """`[N]` position of the first row of each row's session."""
    rows = np.arange(len(book))
    begins = np.diff(book.session, prepend=book.session[:1] - 1) != 0
    return np.maximum.accumulate(np.where(begins, rows, 0))


def _at_events(book: Book, every: float) -> Bools:
    position = np.arange(len(book)) - _first(book)
    ticks: Bools = (position + 1) % int(every) == 0
    return ticks


def _at_times(book: Book, every: float) -> Bools:
    """Rows after which, in the same session, comes one of a later step."""
    steps = book.time_ns // _nanoseconds(every)
    ticks = np.zeros(len(book), bool)
    ticks[:-1] = (np.diff(steps) != 0) & (np.diff(book.session) == 0)
    return ticks


def _at_volumes(book: Book, every: float) -> Bools:
    size = np.abs(book.traded.astype(np.float64))
    total = np.cumsum(size)
    first = _first(book)
    before = (total - size)[first]
    steps = np.floor((total - before) / every)
    rose: Bools = np.diff(steps, prepend=0.0) != 0
    ticks: Bools = np.where(first == np.arange(len(book)), steps > 0, rose)
    return ticks


def _nanoseconds(seconds: float) -> int:
    return max(round(seconds * NS_PER_SECOND), 1)


_TICKS: dict[Clock, Callable[[Book, float], Bools]] = {
    "event": _at_events,
    "time": _at_times,
    "volume": _at_volumes,
}
