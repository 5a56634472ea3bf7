"""The local store of order books: one Parquet file for each symbol and day.

It knows the workspace and the form books are kept in. A day of any length is imported in bounded
memory; writers wait for each other, and readers see a day before or after an import, never between.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np

from atb import atomic
from atb.errors import DataError
from atb.events import Listener, silent
from atb.market.lob import kept, lobster, lobster_text, pairs
from atb.market.lob.book import Book
from atb.market.lob.kept import Facts
from atb.market.lob.pairs import Pair
from atb.workspace import Workspace


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

    Args:
        workspace: whose `books` they go to.
        path: see `pairs.find`.
        symbol: the ticker where several lie together, or another name for the only one.
        listen: told of progress in rows, and of what is left out.

    Returns:
        The files written, in order of their days.

    Raises:
        DataError: naming the file, and the line where one is to blame; that day is not stored.
        StorageError: when the disk refuses, or another process holds the symbol for a minute.
        UsageError: when the symbol cannot be one.
    """
    found = pairs.find(path, symbol)
    name = symbol or found[0].symbol
    folder = workspace.books(name)
    with atomic.locked(folder / ".lock"):
        atomic.remove_leftovers(folder)
        return [
            _import_day(list(day), folder / f"{date}.parquet", name, listen)
            for date, day in groupby(found, key=lambda pair: pair.date)
        ]


def _import_day(day: Sequence[Pair], path: Path, symbol: str, listen: Listener) -> Path:
    origin = kept.origin(symbol, "lobster", synthetic=False)
    step, rows = lobster.CENT, 0
    with kept.writing(path, day[0].depth, whole=True, origin=origin) as file:
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
