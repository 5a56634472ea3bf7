"""The local store: one Parquet file for each symbol and timeframe, one unbroken fetch each.

It knows the workspace and nothing of exchanges. Writers wait for each other; readers see the file
before or after a merge, never between.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np

from atb import atomic
from atb.errors import DataError
from atb.market import checks, files
from atb.market.candles import COLUMNS, Candles, joined
from atb.workspace import Workspace

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stored:
    """One file of the store: its candles' range in ms UTC, and what is missing in it."""

    symbol: str
    timeframe: str
    rows: int
    first_ms: int
    last_ms: int
    gaps: int
    source: str
    synthetic: bool


def exists(workspace: Workspace, symbol: str, timeframe: str) -> bool:
    """Whether the store has candles of this symbol and timeframe."""
    return workspace.candles(symbol, timeframe).is_file()


def read(workspace: Workspace, symbol: str, timeframe: str) -> Candles:
    """The stored candles, checked.

    Raises:
        DataError: when there are none or the file is damaged.
    """
    candles = read_unchecked(workspace, symbol, timeframe)
    checks.require(checks.inspect(candles), str(workspace.candles(symbol, timeframe)))
    return candles


def read_unchecked(workspace: Workspace, symbol: str, timeframe: str) -> Candles:
    """The stored candles as they stand.

    Raises:
        DataError: when there are none or the file is damaged.
    """
    path = workspace.candles(symbol, timeframe)
    if not path.is_file():
        raise DataError(
            f"no {timeframe} candles of {symbol} are stored in {workspace.root}",
            remedy=f"fetch them with: atb data fetch {symbol} --timeframe {timeframe}",
        )
    try:
        return files.read(path, symbol, timeframe)
    except DataError as error:
        raise DataError(
            error.what, where=error.where, remedy="delete the file and fetch the candles again"
        ) from error


def merge(workspace: Workspace, candles: Candles) -> Candles:
    """Add checked candles to the store; where both have a bar, the newcomer's counts.

    A bar that changes is written to the log. Returns all that is stored now.

    Raises:
        StorageError: when the disk refuses, or another process holds the file for a minute.
    """
    symbol, timeframe = candles.symbol, candles.timeframe
    path = workspace.candles(symbol, timeframe)
    with atomic.locked(path.with_name(".lock")):
        atomic.remove_leftovers(path.parent)
        if exists(workspace, symbol, timeframe):
            stored = read(workspace, symbol, timeframe)
            _log_corrections(stored, candles)
            candles = joined([candles, stored])
        files.write(candles, path)
    return candles


def listing(workspace: Workspace) -> list[Stored]:
    """What is stored, by symbol and timeframe; every file is read whole, for its gaps.

    Raises:
        DataError: when a stored file is damaged.
    """
    paths = sorted(workspace.candle_root.glob("*/*.parquet"))
    return [_summary(read(workspace, path.parent.name, path.stem)) for path in paths]


def _summary(candles: Candles) -> Stored:
    return Stored(
        candles.symbol,
        candles.timeframe,
        len(candles),
        int(candles.time[0]),
        int(candles.time[-1]),
        int(candles.missing_before().sum()),
        candles.source,
        candles.synthetic,
    )


def _log_corrections(stored: Candles, newer: Candles) -> None:
    _, old, new = np.intersect1d(stored.time, newer.time, return_indices=True)
    changed = np.zeros(len(old), bool)
    for name in COLUMNS:
        changed |= getattr(stored, name)[old] != getattr(newer, name)[new]
    for row in np.flatnonzero(changed):
        before, after = stored.rows(old[row], old[row] + 1), newer.rows(new[row], new[row] + 1)
        _LOG.warning(
            "%s %s: the bar of %d ms was %s and is corrected to %s",
            *(stored.symbol, stored.timeframe, stored.time[old[row]]),
            *(tuple(float(getattr(bar, name)[0]) for name in COLUMNS) for bar in (before, after)),
        )
