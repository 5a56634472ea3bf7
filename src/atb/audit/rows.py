"""The rows an audit runs on: the last ones of a file, or simulated ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from atb.clock import HOUR_MS
from atb.config.data import AnyData, BondData, BookData, CandleData, Market
from atb.errors import DataError
from atb.market import checks, load, sample
from atb.market.bonds import sample as bond_sample
from atb.market.bonds.build import build
from atb.market.bonds.load import load_bonds
from atb.market.history import History
from atb.market.lob import sample as book_sample
from atb.market.lob.load import load_book
from atb.market.sample import DEFAULT_START_MS
from atb.workspace import Workspace

SEED = 7
SIMULATED = 4_000  # rows
BOND = "UST10Y"
LATEST = 20_000  # rows of a file; each is computed many times


def of(data: AnyData, path: Path | None, workspace: Workspace) -> History:
    """Rows of a market: the last ones of a file or stored symbol, else simulated ones.

    Args:
        data: the market; of a book, what a row is and how deep, of bonds the coupon.
        path: the file, or the name of stored candles.
        workspace: where those lie.

    Raises:
        DataError: when they cannot be read, or training would refuse them.
    """
    return _KINDS[data.kind](data, path, workspace)


def require(history: History, rows: int, where: str) -> None:
    """Nothing, if there are so many rows.

    Raises:
        DataError: otherwise.
    """
    if len(history) < rows:
        raise DataError(
            f"{len(history)} rows are too few to audit {where}: it takes {rows}",
            remedy="give a longer file, or fewer --bars",
        )


def _candles(_data: CandleData, path: Path | None, workspace: Workspace) -> History:
    if path is None:
        end = DEFAULT_START_MS + SIMULATED * HOUR_MS
        return sample.simulate("SAMPLE", "1h", DEFAULT_START_MS, end, SEED)
    candles = load.unchecked(path, None, workspace)
    checks.require(checks.inspect(candles), str(path))
    return _latest(candles)


def _book(data: BookData, path: Path | None, workspace: Workspace) -> History:
    if path is None:
        return book_sample.simulate("SAMPLE", SIMULATED, SEED, data.levels)
    return _latest(load_book(None, data.of_file(path), workspace))


def _bonds(data: BondData, path: Path | None, workspace: Workspace) -> History:
    if path is None:
        return build(bond_sample.simulate(SIMULATED, SEED), BOND, data.coupon)
    return _latest(load_bonds(BOND, data.of_file(path), workspace))


_KINDS: Mapping[Market, Callable[[Any, Path | None, Workspace], History]] = {
    "candles": _candles,
    "book": _book,
    "bonds": _bonds,
}


def _latest(history: History) -> History:
    return history.rows(max(len(history) - LATEST, 0), len(history))
