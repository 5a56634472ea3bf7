"""The rows an audit runs on: the last ones of a file, or simulated ones."""

from __future__ import annotations

from pathlib import Path

from atb.config.data import BookData, Market
from atb.errors import DataError
from atb.market import checks, load
from atb.market.history import History
from atb.market.lob import sample as book_sample
from atb.market.lob.load import load_book
from atb.market.sample import DEFAULT_START_MS, simulate
from atb.workspace import Workspace

SEED = 7
HOUR_MS = 3_600_000
SIMULATED = 4_000  # rows
LATEST = 20_000  # rows of a file; each is computed many times


def of(market: Market, path: Path | None, workspace: Workspace) -> History:
    """Rows of a market: the last ones of a file or stored symbol, else simulated ones.

    Raises:
        DataError: when they cannot be read, or training would refuse them.
    """
    if path is None:
        return _simulated(market)
    found = _candles(path, workspace) if market == "candles" else _book(path, workspace)
    return found.rows(max(len(found) - LATEST, 0), len(found))


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


def _candles(path: Path, workspace: Workspace) -> History:
    candles = load.unchecked(path, None, workspace)
    checks.require(checks.inspect(candles), str(path))
    return candles


def _book(path: Path, workspace: Workspace) -> History:
    return load_book(None, BookData(path=path), workspace)


def _simulated(market: Market) -> History:
    if market == "book":
        return book_sample.simulate("SAMPLE", SIMULATED, SEED)
    end = DEFAULT_START_MS + SIMULATED * HOUR_MS
    return simulate("SAMPLE", "1h", DEFAULT_START_MS, end, SEED)
