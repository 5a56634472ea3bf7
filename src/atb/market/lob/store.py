"""The local store of order books: one Parquet file for each symbol and day.

It knows the workspace and the form books are kept in. A day of any length is imported in bounded
memory; writers wait for each other, and readers see a day before or after an import, never between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from atb import atomic
from atb.errors import DataError
from atb.events import Listener, Warned, silent
from atb.market.lob import checks, kept, lobster, lobster_text, pairs
from atb.market.lob.book import Book
from atb.market.lob.kept import Facts
from atb.market.lob.pairs import Pair
from atb.workspace import Workspace

_READ_IN_PLACE = (".parquet", ".csv", ".txt")


@dataclass(frozen=True)
class Stored:
    """One file of the store: its day, what the file says of itself, and its size in bytes."""

    day: str
    facts: Facts
    bytes: int


def import_lobster(
    workspace: Workspace, path: Path, symbol: str | None = None, listen: Listener = silent
) -> list[Path]:
    """Store LOBSTER files day by day in bounded memory; a day that is there is replaced.

    Nothing is stored of a day that training would refuse.

    Args:
        workspace: whose `books` they go to.
        path: see `pairs.find`.
        symbol: the ticker where several lie together, or another name for the only one.
        listen: told of progress in rows, of what is left out, and of a day that changes.

    Returns:
        The files written, in order of their days.

    Raises:
        DataError: naming the file, and the line or row where one is to blame; that day is not
            stored.
        StorageError: when the disk refuses, or another process holds the symbol for a minute.
        UsageError: when the symbol cannot be one.
    """
    _require_lobster(path)
    found = pairs.find(path, symbol)
    name = symbol or found[0].symbol
    folder = workspace.books(name)
    with _writing_to(folder):
        return [
            _import_day(list(day), folder / f"{date}.parquet", name, listen)
            for date, day in groupby(found, key=lambda pair: pair.date)
        ]


def _import_day(day: Sequence[Pair], path: Path, symbol: str, listen: Listener) -> Path:
    origin = kept.origin(symbol, "lobster", synthetic=False)
    step, rows = lobster.CENT, 0

    def judge(made: Path) -> None:
        checks.require_parts(kept.parts(made), day[0].book.where)
        _say_what_changes(path, made, listen)

    with kept.writing(path, day[0].depth, True, origin, judge) as file:
        for block in lobster.blocks(day, listen):
            columns = (block.time_ns, *block.levels.T, block.traded, block.session)
            file.append(columns, absent=lobster_text.ABSENT)
            step, rows = block.step(step), rows + len(block)
        if not rows:
            raise DataError(
                "no row is left", where=day[0].book.where, remedy="give a book that opens"
            )
        file.finish(step / lobster.UNITS_PER_USD, units_per_tick=step)
    return path


def _require_lobster(path: Path) -> None:
    """Say of a book of another kind what it is good for, before it is taken for a zip."""
    if path.suffix.lower() in _READ_IN_PLACE and not pairs.is_lobster(path):
        raise DataError(
            "it is none of LOBSTER's files, and only those are imported",
            where=str(path),
            remedy=f"other books are trained on by their path: atb train lob {path}",
        )


@contextmanager
def _writing_to(folder: Path) -> Iterator[None]:
    """Hold a symbol's folder, which does not stay without a day in it.

    Raises:
        StorageError: when another process holds it for a minute.
    """
    lock = folder / ".lock"
    with atomic.locked(lock):
        atomic.remove_leftovers(folder)
        try:
            yield
        finally:
            if not any(folder.glob("*.parquet")):
                lock.unlink(missing_ok=True)
                with suppress(OSError):  # others may be at work in it
                    folder.rmdir()


def _say_what_changes(old: Path, new: Path, listen: Listener) -> None:
    """Warn when a day that is stored has other content."""
    if not old.exists():
        return
    try:
        if _content(old) == _content(new):
            return
        before = _extent(old)
    except DataError:
        before = "a damaged file"
    listen(
        Warned(
            f"{old.stem} of {old.parent.name} is stored already and changes: "
            f"{before} before, {_extent(new)} now"
        )
    )


def _content(path: Path) -> list[str]:
    return [part.sha256() for part in kept.parts(path)]


def _extent(path: Path) -> str:
    facts = kept.facts(path)
    return f"{facts.rows:,} rows of {facts.levels} levels"


def symbols(workspace: Workspace) -> list[str]:
    """Of which something is stored."""
    return sorted({path.parent.name for path in workspace.book_root.glob("*/*.parquet")})


def days(workspace: Workspace, symbol: str) -> list[Path]:
    """The files of one symbol in order of their days, none if nothing is stored."""
    return sorted(workspace.books(symbol).glob("*.parquet"))


def read(path: Path) -> Book:
    """One stored day, unchecked.

    Raises:
        DataError: when the file is damaged.
    """
    try:
        return kept.read(path)
    except DataError as error:
        raise DataError(
            error.what, where=error.where, remedy="delete the file and import the day again"
        ) from error


def joined(books: Sequence[Book]) -> Book:
    """Books that follow each other as one: their sessions counted on, in a tick that fits all.

    Raises:
        DataError: when their prices have no unit in common.
    """
    first, *others = _in_one_tick(books)
    if not others:
        return first
    sessions, begun = [], 0
    for book in (first, *others):
        sessions.append(book.session + begun)
        begun = int(sessions[-1].max(initial=begun - 1)) + 1
    return replace(
        first,
        time_ns=np.concatenate([book.time_ns for book in (first, *others)]),
        levels=np.concatenate([book.levels for book in (first, *others)]),
        traded=np.concatenate([book.traded for book in (first, *others)]),
        session=np.concatenate(sessions),
        synthetic=any(book.synthetic for book in books),
    )


def _in_one_tick(books: Sequence[Book]) -> list[Book]:
    """The same prices, counted in the greatest common divisor of the ticks."""
    ticks = [book.tick for book in books]
    if len(set(ticks)) == 1:
        return list(books)
    steps = [round((tick or 0.0) * lobster.UNITS_PER_USD) for tick in ticks]
    if not all(steps):
        raise DataError(
            f"days have ticks of {' and '.join(map(str, ticks))}",
            where=books[0].symbol,
            remedy="import all its days again from one source",
        )
    common = math.gcd(*steps)
    finer = []
    for book, step in zip(books, steps, strict=True):
        levels = book.levels.copy()
        levels[:, ::2] *= step // common
        finer.append(replace(book, levels=levels, tick=common / lobster.UNITS_PER_USD))
    return finer


def listing(workspace: Workspace) -> list[Stored]:
    """What is stored, by symbol and day.

    Raises:
        DataError: when a stored file is damaged.
    """
    paths = sorted(workspace.book_root.glob("*/*.parquet"))
    return [Stored(path.stem, kept.facts(path), path.stat().st_size) for path in paths]
