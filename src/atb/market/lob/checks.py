"""Everything that can be wrong with an order book, counted; what training must not see stops it.

It repairs nothing and knows nothing of files. A raw `Book` may hold anything; after `require` its
times never fall, both sides have a best price, and levels stand in order without holes. Prices of
a book without a tick were normalised column by column: neither their order nor their sign says
anything, nor does the sign of sizes, and they are not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from atb.errors import DataError
from atb.market import findings
from atb.market.findings import Check, Marks, Report
from atb.market.lob.book import EXACT, Book

Bools = npt.NDArray[np.bool_]

FEW = 1_000  # rows; windows, horizons and three parts of a split need more


def inspect(book: Book) -> Report:
    """Run every check on a book, which may be raw."""
    return Report(len(book), book.time, findings.found_by(CHECKS, book))


def require(report: Report, where: str) -> None:
    """Refuse a book with a fatal finding, or without any row.

    Args:
        report: what `inspect` found.
        where: the file or source, for the message.

    Raises:
        DataError: naming the first row, the counts and the remedy.
    """
    if report.rows == 0:
        raise DataError("there are no rows", where=where, remedy="give a book with events in it")
    findings.refuse_fatal(report, where)


def require_parts(parts: Iterable[Book], where: str) -> None:
    """Refuse as `require` does a book that comes in parts, of which one at a time is in memory.

    Args:
        parts: in order; each is judged with the last row of the part before it.
        where: see `require`.

    Raises:
        DataError: see `require`.
    """
    before: Book | None = None
    first = 0
    for part in parts:
        book = part if before is None else _after(before, part)
        require(replace(inspect(book), first=first), where)
        before, first = part.rows(len(part) - 1, len(part)), first + len(book) - 1


def _after(before: Book, part: Book) -> Book:
    """Both as one; their sessions are counted together already."""
    return replace(
        part,
        time_ns=np.concatenate([before.time_ns, part.time_ns]),
        levels=np.concatenate([before.levels, part.levels]),
        traded=np.concatenate([before.traded, part.traded]),
        session=np.concatenate([before.session, part.session]),
    )


def _priced(mark: Callable[[Book], Marks]) -> Callable[[Book], Marks]:
    """A mark that holds for prices and sizes as they were quoted, not for normalised ones."""

    def marks(book: Book) -> Marks:
        return np.zeros(len(book), bool) if book.tick is None else mark(book)

    return marks


def _any(cells: Bools) -> Marks:
    """`[N]` rows of `[N, ...]` that have one."""
    return np.asarray(cells.any(axis=1))


def _time(book: Book) -> Marks:
    """A later session is later: a split trains on what comes first in the book."""
    falls: Marks = np.diff(book.time_ns, prepend=book.time_ns[:1]) < 0
    return falls


def _session(book: Book) -> Marks:
    falls: Marks = np.diff(book.session, prepend=book.session[:1]) < 0
    return falls


def _sides(book: Book) -> tuple[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]], ...]:
    """Price and size `[N, L]` of the ask, then of the bid."""
    return tuple((book.side(f"{side}_price"), book.side(f"{side}_size")) for side in ("ask", "bid"))


def _price(book: Book) -> Marks:
    """An absent level is NaN with size 0; any other price must be a number."""
    bad = [np.isinf(price) | (np.isnan(price) & (size != 0)) for price, size in _sides(book)]
    return _any(bad[0] | bad[1])


def _size(book: Book) -> Marks:
    bad = [~np.isfinite(size) for _, size in _sides(book)]
    return _any(bad[0] | bad[1])


def _negative(book: Book) -> Marks:
    bad = [size < 0 for _, size in _sides(book)]
    return _any(bad[0] | bad[1])


def _no_size(book: Book) -> Marks:
    bad = [(size == 0) & ~np.isnan(price) for price, size in _sides(book)]
    return _any(bad[0] | bad[1])


def _no_best(book: Book) -> Marks:
    ask, bid = (price[:, 0] for price, _ in _sides(book))
    marks: Marks = np.isnan(ask) | np.isnan(bid)
    return marks


def _hole(book: Book) -> Marks:
    """Levels that are absent above one that is not; a missing best price is for `_no_best`."""
    holes = [np.isnan(price[:, 1:-1]) & ~np.isnan(price[:, 2:]) for price, _ in _sides(book)]
    return _any(holes[0] | holes[1])


def _absent(book: Book) -> Marks:
    absent = [np.isnan(price) for price, _ in _sides(book)]
    return _any(absent[0] | absent[1])


def _not_positive(book: Book) -> Marks:
    return _any(book.side("ask_price") <= 0) | _any(book.side("bid_price") <= 0)


def _order(book: Book) -> Marks:
    """Asks must rise and bids fall from level to level; an equal price is one level told twice."""
    asks, bids = book.side("ask_price"), book.side("bid_price")
    return _any(asks[:, 1:] <= asks[:, :-1]) | _any(bids[:, 1:] >= bids[:, :-1])


def _crossed(book: Book) -> Marks:
    crossed: Marks = book.side("ask_price")[:, 0] < book.side("bid_price")[:, 0]
    return crossed


def _locked(book: Book) -> Marks:
    locked: Marks = book.side("ask_price")[:, 0] == book.side("bid_price")[:, 0]
    return locked


def _off_tick(book: Book) -> Marks:
    off = [np.isfinite(price) & (price != np.rint(price)) for price, _ in _sides(book)]
    return _any(off[0] | off[1])


def _inexact(book: Book) -> Marks:
    """Float32 holds every whole number up to `EXACT` only; a larger one may be its neighbour."""
    far = [np.isfinite(price) & (np.abs(price) >= EXACT) for price, _ in _sides(book)]
    return _any(far[0] | far[1])


def _traded(book: Book) -> Marks:
    marks: Marks = ~np.isfinite(book.traded)
    return marks


def _duplicates(book: Book) -> Marks:
    """Rows that say again what the row before them says, at the same time."""
    same = (np.diff(book.session) == 0) & (np.diff(book.time_ns) == 0)
    rows = 1 + np.flatnonzero(same)
    for column in (*book.levels.T, book.traded):
        now, before = column[rows], column[rows - 1]
        rows = rows[(now == before) | (np.isnan(now) & np.isnan(before))]
    marks = np.zeros(len(book), bool)
    marks[rows] = True
    return marks


def _few(book: Book) -> Marks:
    return np.full(len(book), len(book) < FEW)


_MEND = "correct or remove the row"
_LEFT_OUT = "remove such rows, and begin another session after them"

CHECKS: tuple[Check[Book], ...] = (
    Check("time backwards", True, _time, "the time runs backwards", "sort the rows by time"),
    Check("session backwards", True, _session, "the session falls", "number sessions upwards"),
    Check("bad price", True, _price, "a price is NaN or infinite where there is a size", _MEND),
    Check("bad size", True, _size, "a size is NaN or infinite", _MEND),
    Check("bad trade", True, _traded, "the size traded is NaN or infinite", _MEND),
    Check("negative size", True, _priced(_negative), "a size is negative", _MEND),
    Check("price without size", True, _priced(_no_size), "a level has a price and size 0", _MEND),
    Check("no best price", True, _no_best, "a side of the book is empty", _LEFT_OUT),
    Check("hole", True, _hole, "a level is absent and a deeper one is not", _MEND),
    Check("non-positive price", True, _priced(_not_positive), "a price is 0 or negative", _MEND),
    Check(
        "level order",
        True,
        _priced(_order),
        "prices do not move away from the best one level by level",
        "see that asks and bids are not exchanged, and levels count from the best",
    ),
    Check("crossed", True, _priced(_crossed), "the best bid is above the best ask", _LEFT_OUT),
    Check("off tick", True, _priced(_off_tick), "a price is no whole number of ticks", _MEND),
    Check(
        "too many ticks",
        True,
        _priced(_inexact),
        f"a price is {EXACT:,} ticks or more, which float32 does not count one by one",
        "round prices to the market's own tick",
    ),
    Check("locked", False, _priced(_locked), "best bid and ask are equal", "none needed"),
    Check("absent levels", False, _absent, "a side has fewer levels", "none needed"),
    Check("duplicates", False, _duplicates, "it repeats the row before", "none needed"),
    Check("few rows", False, _few, f"there are fewer than {FEW:,} rows", "give a longer book"),
)
