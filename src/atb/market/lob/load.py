"""A book's source turned into one checked book by the clock and depth asked for.

It decides which source answers; how each is read is in its own file. A simulated book answers only
who asks for one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from atb.config.data import BookData
from atb.errors import DataError, UsageError, nearest
from atb.events import Listener, Warned, silent
from atb.market.lob import checks, clock, files, sample, store
from atb.market.lob.book import Book
from atb.workspace import Workspace, check_symbol, is_symbol

SAMPLE_SYMBOL = "SAMPLE"
SAMPLE_EVENTS = 100_000


Parts = Iterator[tuple[Book, str]]  # books that follow each other, and where each is from


@dataclass(frozen=True)
class _Request:
    """Which book is wanted, and what may be used to get it."""

    symbol: str | None
    spec: BookData
    workspace: Workspace
    listen: Listener


def load_book(
    symbol: str | None, spec: BookData, workspace: Workspace, listen: Listener = silent
) -> Book:
    """A book without a fatal fault, by the clock of the spec, of exactly `spec.levels` levels.

    Source `auto` takes the file if a path is given, else the days stored of the symbol.

    Args:
        symbol: the market; None for what a file says.
        spec: source, path, clock and levels.
        workspace: where stored books lie.
        listen: told of progress and warnings.

    Raises:
        UsageError: when source, path and symbol do not go together, or none names a book.
        DataError: when there is no such book, it is damaged or too shallow, or no row is left.
    """
    if spec.path is not None and spec.source == "sample":
        raise UsageError(
            f"the book file {spec.path} is given, but the source is 'sample'",
            remedy="leave out one of them",
        )
    name = None if symbol is None else check_symbol(symbol)
    request = _Request(name, spec, workspace, listen)
    books, trades = [], False
    for book, where in _SOURCES[spec.source](request):
        books.append(_fitted(book, where, spec))
        trades = trades or bool(book.traded.any())
    whole = store.joined(books)
    if spec.clock == "volume" and not trades:
        raise clock.never_ticks(whole.symbol)
    if not len(whole):
        raise DataError(
            f"the {spec.clock} clock takes no row at steps of {spec.every:g}",
            where=whole.symbol,
            remedy="take smaller steps, or give a longer book",
        )
    if not trades:
        listen(Warned("the book has no trades: features of them are the same in every row"))
    return whole


def unchecked(
    target: str | Path, symbol: str | None, workspace: Workspace, listen: Listener = silent
) -> Book:
    """The book of a file, or all days stored of a symbol, as it stands, for `checks.inspect`.

    Args:
        target: a path, or a symbol where no file has that name.
        symbol: the market of a file; None for what it says.
        workspace: where stored books lie.
        listen: told of progress and of what is left out.

    Raises:
        UsageError: when the symbol is none, or another one than the target.
        DataError: when there is no such book, or it cannot be read.
    """
    name = None if symbol is None else check_symbol(symbol)
    word, path = str(target), Path(target)
    if not is_symbol(word) or path.exists():
        return files.read(path, name, listen)
    if name not in (None, word):
        raise UsageError(f"two symbols are given: {word} and {name}", remedy="leave out one")
    return store.joined([book for book, _ in _stored(word, workspace)])


def _fitted(book: Book, where: str, spec: BookData) -> Book:
    """One checked part by the clock and depth of the spec."""
    checks.require(checks.inspect(book), where)
    if book.depth < spec.levels:
        raise DataError(
            f"it has {book.depth} levels, {spec.levels} are asked for",
            where=where,
            remedy=f"give a deeper book, or ask for {book.depth} levels at most",
        )
    if book.tick is None:
        raise DataError(
            f"the prices of {book.source} are normalised: moves of them mean nothing",
            where=where,
            remedy="give the book with its prices as they were",
        )
    return clock.sampled(book.top(spec.levels), spec.clock, spec.every)


def _file(request: _Request) -> Parts:
    path = request.spec.path
    if path is None:
        raise UsageError("source 'file' needs a file", remedy="name its path")
    yield files.read(path, request.symbol, request.listen), str(path)


def _auto(request: _Request) -> Parts:
    if request.spec.path is not None:
        yield from _file(request)
        return
    if request.symbol is None:
        raise UsageError(
            "no order book is named", remedy="name a file or a stored symbol, or --source sample"
        )
    yield from _stored(request.symbol, request.workspace)


def _stored(symbol: str, workspace: Workspace) -> Parts:
    days = store.days(workspace, symbol)
    if not days:
        raise DataError(
            f"no book of {symbol} is stored in {workspace.root}",
            remedy=f"{nearest(symbol, store.symbols(workspace))}; atb data import PATH stores one, "
            "and --source sample simulates one",
        )
    yield from ((store.read(path), str(path)) for path in days)


def _sample(request: _Request) -> Parts:
    symbol = request.symbol or SAMPLE_SYMBOL
    seed = zlib.crc32(symbol.encode())
    yield sample.simulate(symbol, SAMPLE_EVENTS, seed, request.spec.levels), "the simulator"


_SOURCES: dict[str, Callable[[_Request], Parts]] = {
    "auto": _auto,
    "file": _file,
    "sample": _sample,
}
