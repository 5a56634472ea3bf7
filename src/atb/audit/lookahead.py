"""Whether a value that belongs to a row changes with what comes after that row.

The features are run again on every prefix of a history, and on the same history with another
future. A row that changes has read the future; how far ahead and which columns is then found by
changing less. Knows nothing of what the features are, or of the libraries they are made with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atb.audit import disturb
from atb.clock import iso
from atb.market.history import History

Values = npt.NDArray[Any]  # float32 or float64
Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
Compute = Callable[[Sequence[History]], Values]
Version = Callable[[History, int], History]

BARS = 300  # rows of which each is computed from its prefix alone
CUTS = 20  # rows after which the future is another one
BATCH = 50  # versions that are computed at once

Verdict = Literal["clean", "leak", "lookback", "empty", "unsteady"]


@dataclass(frozen=True)
class Subject:
    """Something that makes F values of every row of a history.

    Attributes:
        names: of the F values.
        compute: histories, each of at most N rows, to `[B, N, F]` values; NaN where a shorter one
            has no row, and where there is no value.
    """

    names: tuple[str, ...]
    compute: Compute


@dataclass(frozen=True)
class Check:
    """One way to ask.

    Attributes:
        name: what is done to the future.
        version: the history of which only so many rows are as they were.
        every: whether it is asked at every row, or at a few.
        exact: whether not a bit may change; otherwise values agree within rounding.
    """

    name: str
    version: Version
    every: bool
    exact: bool


@dataclass(frozen=True)
class Finding:
    """What came out for one feature.

    Attributes:
        name: the feature.
        verdict: `clean`; `leak`, it reads later rows; `lookback`, it reads other earlier rows than
            it declares; `empty`, it has no value to judge; `unsteady`, the same rows give
            different values.
        rows: how many rows changed.
        row: the first of them, of those that were cut at; None where none did.
        time: its open time, ISO 8601 UTC, or empty.
        ahead: rows from it to the next one it reads, None where none was found.
        read: columns it reads there.
        check: which check found it, or empty.
    """

    name: str
    verdict: Verdict
    rows: int = 0
    row: int | None = None
    time: str = ""
    ahead: int | None = None
    read: tuple[str, ...] = ()
    check: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {**vars(self), "read": list(self.read)}


def _prefix(history: History, rows: int) -> History:
    return history.rows(0, rows)


def _times(factor: float) -> Version:
    return lambda history, rows: disturb.after(history, rows, factor)


CHANGED: tuple[Check, ...] = (
    Check("prefix", _prefix, every=True, exact=False),
    Check("future x 0.1", _times(0.1), every=False, exact=False),
    Check("future x 10", _times(10.0), every=False, exact=False),
)
LOST = (Check("future NaN", _times(np.nan), every=False, exact=True),)


def examine(
    subject: Subject,
    history: History,
    bars: int = BARS,
    checks: tuple[Check, ...] = (*CHANGED, *LOST),
) -> tuple[Finding, ...]:
    """One finding per feature: every one of the last `bars` rows is cut at.

    The rows before them are what features look back on. Causal features with a long memory need
    some, or they have no value yet and nothing can be said of them.

    Args:
        subject: what makes the features.
        history: N rows, more than `bars`.
        bars: rows that are cut at.
        checks: what is asked.
    """
    whole, again = subject.compute([history, history])
    tolerance = rounding(whole)
    changed = {
        check: _changed(subject, history, whole, check, 0 if check.exact else tolerance, bars)
        for check in checks
    }
    unsteady: Bool = np.any(differing(whole, again, tolerance), axis=0)
    found = []
    for column, name in enumerate(subject.names):
        if unsteady[column]:
            found.append(Finding(name, "unsteady"))
        elif not np.isfinite(whole[-bars:, column]).any():
            found.append(Finding(name, "empty"))
        else:
            hits = {check: made[:, column] for check, made in changed.items()}
            found.append(_judged(subject, history, column, hits, bars))
    return tuple(found)


def rounding(values: Values) -> Float64:
    """`[F]` how far two computations of `[N, F]` values may lie apart, by their own precision.

    A share of the spread, and the last bits of the largest.
    """
    spread, bits = (1e-6, 2**-22) if values.dtype == np.float32 else (1e-9, 2**-40)
    sound = np.where(np.isfinite(values), values, np.nan).astype(np.float64)
    columns = [column[np.isfinite(column)] for column in sound.T]
    return np.array(
        [spread * c.std() + bits * np.abs(c).max() if len(c) else 0.0 for c in columns], np.float64
    )


def differing(one: Values, other: Values, tolerance: Float64 | float) -> Bool:
    """Where two arrays `[..., F]` are apart by more than a tolerance; NaN agrees with NaN alone."""
    with np.errstate(invalid="ignore"):
        near = (one == other) | (np.abs(one.astype(np.float64) - other) <= tolerance)
    apart: Bool = np.asarray(~(near | (np.isnan(one) & np.isnan(other))))
    return apart


def _cuts(history: History, bars: int, check: Check) -> npt.NDArray[np.int64]:
    """How many rows are left as they are, each time."""
    count = min(bars, len(history) - 1)
    every = np.arange(len(history) - count, len(history))
    return every if check.every else every[np.linspace(0, count - 1, CUTS).astype(int)]


def _changed(
    subject: Subject,
    history: History,
    whole: Values,
    check: Check,
    tolerance: Float64 | float,
    bars: int,
) -> Bool:
    """`[N, F]` which values change when what comes after some row does."""
    changed = np.zeros(whole.shape, bool)
    cuts = _cuts(history, bars, check)
    for cut, values in zip(cuts, _versions(subject, history, check.version, cuts), strict=True):
        changed[:cut] |= differing(values[:cut], whole[:cut], tolerance)
    return changed


def _versions(
    subject: Subject, history: History, version: Version, cuts: Sequence[int] | Any
) -> Iterator[Values]:
    """`[N, F]` values of the version of each cut, NaN where it has no row."""
    for start in range(0, len(cuts), BATCH):
        made = [version(history, int(cut)) for cut in cuts[start : start + BATCH]]
        # The whole history goes along: so every answer has N rows.
        yield from subject.compute([*made, history])[:-1]


def _judged(
    subject: Subject, history: History, column: int, hits: Mapping[Check, Bool], bars: int
) -> Finding:
    """Clean, or the first check that found something, and what was read there."""
    name = subject.names[column]
    for check, changed in hits.items():
        if changed.any():
            rows = np.flatnonzero(np.any(list(hits.values()), axis=0))
            row = _first(changed, bars)
            return Finding(
                name,
                "leak",
                len(rows),
                row,
                iso(int(history.time[row])),
                _ahead(subject, history, column, row, check, bars),
                _read(subject, history, column, row, bars),
                check.name,
            )
    return Finding(name, "clean")


def _first(changed: Bool, bars: int) -> int:
    """The first changed row that was cut at, if there is one: of it, what it read can be told."""
    rows = np.flatnonzero(changed)
    cut_at = rows[rows >= len(changed) - bars - 1]
    return int(cut_at[0] if len(cut_at) else rows[0])


def _ahead(
    subject: Subject, history: History, column: int, row: int, check: Check, bars: int
) -> int | None:
    """Rows from `row` to the first later one whose arrival changes its value."""
    first = max(row + 1, len(history) - bars)
    before = None
    made = _versions(subject, history, check.version, np.arange(first, len(history) + 1))
    for cut, values in enumerate(made, first):
        value = values[row, column]
        if before is not None and differing(value, before, 0.0):
            return cut - 1 - row
        before = value
    return None


def _read(subject: Subject, history: History, column: int, row: int, bars: int) -> tuple[str, ...]:
    """Columns of later rows that a row's value depends on."""
    first = max(row + 1, len(history) - bars)
    names = disturb.columns(history)
    whole = subject.compute([history])[0, row, column]
    read = []
    for name in names:
        made = [disturb.after(history, first, factor, (name,)) for factor in (np.nan, 10.0, 0.1)]
        if differing(subject.compute(made)[:, row, column], whole, 0.0).any():
            read.append(name)
    return tuple(read)
