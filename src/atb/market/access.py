"""Histories of any market by what their recipe says: loaded, kept and read back.

The one place that knows which kinds of history there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb.config.data import AnyData, BondData, BookData, CandleData, Market
from atb.events import Listener, silent
from atb.market import files, load
from atb.market.bonds import kept as kept_bonds
from atb.market.bonds.load import load_bonds
from atb.market.candles import Candles
from atb.market.history import History
from atb.market.lob import files as book_files
from atb.market.lob import load as book_load
from atb.workspace import Workspace


@dataclass(frozen=True)
class _Access:
    load: Callable[[str, Any, Workspace, Listener], History]
    read: Callable[[Path, str, Any], History]
    write: Callable[[Any, Path], None]


def _candles(path: Path, symbol: str, spec: CandleData) -> Candles:
    return files.read(path, symbol, spec.timeframe)


def _book(path: Path, symbol: str, _spec: BookData) -> History:
    return book_files.read(path, symbol)


def _bonds(path: Path, symbol: str, _spec: BondData) -> History:
    return kept_bonds.read(path, symbol)


_KINDS: Mapping[Market, _Access] = {
    "candles": _Access(load.load, _candles, files.write),
    "book": _Access(book_load.load_book, _book, book_files.write),
    "bonds": _Access(load_bonds, _bonds, kept_bonds.write),
}


def load_history(
    symbol: str, spec: AnyData, workspace: Workspace, listen: Listener = silent
) -> History:
    """The rows a recipe names, in order, without a fatal fault.

    Raises:
        UsageError: when source, path and symbol do not go together.
        DataError: when there are no such rows or they are damaged.
    """
    return _KINDS[spec.kind].load(symbol, spec, workspace, listen)


def keep(history: History, path: Path) -> None:
    """Write a history to a Parquet file that `read_kept` gives back as it was.

    Raises:
        StorageError: when the disk refuses.
    """
    _KINDS[history.kind].write(history, path)


def read_kept(path: Path, symbol: str, spec: AnyData) -> History:
    """A history that `keep` wrote.

    Raises:
        DataError: when it cannot be read.
    """
    return _KINDS[spec.kind].read(path, symbol, spec)
