"""Everything that can be wrong with candles, counted; what training must not see stops it.

It repairs nothing and knows nothing of where candles come from. Raw `Candles` may hold anything;
after `require` their times rise strictly, their steps fit the timeframe and their prices agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.clock import TIMEFRAMES, iso, timeframe_ms
from atb.errors import DataError
from atb.market.candles import COLUMNS, Candles, Int64

Marks = npt.NDArray[np.bool_ | np.int64]


@dataclass(frozen=True)
class Check:
    """One thing that can be wrong.

    Attributes:
        name: short name, the key in counts.
        fatal: whether candles that have it are refused.
        mark: `[N]` how much of it each row has, 0 or false for none.
        problem: what is wrong, said of the first row; may name {timeframe} and the {actual} one.
        remedy: what to do about it.
    """

    name: str
    fatal: bool
    mark: Callable[[Candles], Marks]
    problem: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """What one check found: `count` of it, first in `row` (position from 0, None without any)."""

    check: Check
    count: int
    row: int | None


@dataclass(frozen=True)
class Report:
    """What all checks found in N candles.

    Attributes:
        rows: number of candles.
        timeframe: the timeframe they were checked for.
        time: `[N]` int64 ms UTC, open times as they stand.
        findings: one for each check, in the order of `CHECKS`.
    """

    rows: int
    timeframe: str
    time: Int64
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How often each check found something, by its name."""
        return {finding.check.name: finding.count for finding in self.findings}

    @property
    def fatal(self) -> tuple[Finding, ...]:
        """The findings for which the candles are refused."""
        return tuple(found for found in self.findings if found.check.fatal and found.count)

    def place(self, row: int) -> str:
        """A row as errors name it.

        >>> inspect(Candles("BTCUSDT", "1h", *np.ones((6, 1)))).place(0)
        'row 0, counted from 0 (1970-01-01T00:00:00Z)'
        """
        return f"row {row}, counted from 0 ({iso(int(self.time[row]))})"


def inspect(candles: Candles) -> Report:
    """Run every check on candles, which may be raw."""
    findings = []
    for check in CHECKS:
        marks = np.asarray(check.mark(candles))
        count = int(marks.sum())
        findings.append(Finding(check, count, int(np.argmax(marks > 0)) if count else None))
    return Report(len(candles), candles.timeframe, candles.time, tuple(findings))


def require(report: Report, where: str) -> None:
    """Refuse candles with a fatal finding.

    Args:
        report: what `inspect` found.
        where: the file or source, for the message.

    Raises:
        DataError: naming the first row, the counts and the remedy.
    """
    if report.fatal:
        first, *others = report.fatal
        row = first.row or 0
        also = ", ".join(f"{finding.check.name} {finding.count:,}" for finding in others)
        problem = first.check.problem.format(
            timeframe=report.timeframe, actual=sniff(report.time) or "of no known timeframe"
        )
        raise DataError(
            f"{problem} ({first.check.name}: {first.count:,} rows"
            f"{f'; also {also}' if also else ''})",
            where=f"{where}, {report.place(row)}",
            remedy=first.check.remedy,
        )


def sniff(time: Int64) -> str | None:
    """The timeframe that is the commonest step between times, or None when there is none such.

    >>> sniff(np.array([0, 60_000, 120_000, 300_000]))
    '1m'
    """
    steps, counts = np.unique(np.diff(np.unique(time)), return_counts=True)
    if len(steps) == 0:
        return None
    commonest = int(steps[np.argmax(counts)])
    return next((name for name in TIMEFRAMES if timeframe_ms(name) == commonest), None)


def _order(candles: Candles) -> Marks:
    return np.diff(candles.time, prepend=candles.time[:1]) < 0


def _duplicates(candles: Candles) -> Marks:
    marks = np.ones(len(candles), bool)
    marks[np.unique(candles.time, return_index=True)[1]] = False
    return marks


def _off_step(candles: Candles) -> Marks:
    """Rows whose distance from the bar before is no multiple of the timeframe.

    When the commonest step is another timeframe, every row at that step is marked.
    """
    expected = timeframe_ms(candles.timeframe)
    times, rows = np.unique(candles.time, return_index=True)
    steps = np.diff(times)
    marks = np.zeros(len(candles), bool)
    if len(steps) == 0:
        return marks
    values, counts = np.unique(steps, return_counts=True)
    commonest = values[np.argmax(counts)]
    wrong = steps % expected != 0
    if commonest != expected and counts.max() > (steps == expected).sum():
        wrong |= steps == commonest
    marks[rows[1:]] = wrong
    return marks


def _gaps(candles: Candles) -> Marks:
    """Missing bars before each row."""
    times, rows = np.unique(candles.time, return_index=True)
    missing = np.zeros(len(candles), np.int64)
    if len(times) > 1:
        missing[rows[1:]] = np.maximum(np.diff(times) // timeframe_ms(candles.timeframe) - 1, 0)
    return missing


def _not_finite(candles: Candles) -> Marks:
    marks: Marks = ~np.logical_and.reduce([np.isfinite(getattr(candles, n)) for n in COLUMNS])
    return marks


def _not_positive(candles: Candles) -> Marks:
    marks: Marks = np.logical_or.reduce([getattr(candles, n) <= 0 for n in COLUMNS[:4]])
    return marks


def _high_below_low(candles: Candles) -> Marks:
    crossed: Marks = candles.high < candles.low
    return crossed


def _outside(candles: Candles) -> Marks:
    """Rows whose open or close lies outside low to high, where high and low themselves agree."""
    highest = np.maximum(candles.open, candles.close)
    lowest = np.minimum(candles.open, candles.close)
    beyond = (highest > candles.high) | (lowest < candles.low)
    outside: Marks = (candles.high >= candles.low) & beyond
    return outside


CHECKS: tuple[Check, ...] = (
    Check("order", True, _order, "the times are not in order", "sort the rows by time"),
    Check("duplicates", True, _duplicates, "a time stands twice", "keep one row for each time"),
    Check(
        "wrong timeframe",
        True,
        _off_step,
        "the step from the bar before does not fit {timeframe}: most steps are {actual}",
        "give another file, or the timeframe of this one",
    ),
    Check(
        "non-finite",
        True,
        _not_finite,
        "a price or volume is missing, NaN or infinite",
        "correct the row, or remove it: a gap is honest",
    ),
    Check(
        "non-positive price",
        True,
        _not_positive,
        "a price is zero or negative",
        "correct or remove the row",
    ),
    Check(
        "high below low", True, _high_below_low, "high is below low", "correct or remove the row"
    ),
    Check(
        "open or close outside",
        True,
        _outside,
        "open or close lies outside low to high",
        "correct or remove the row",
    ),
    Check(
        "negative volume",
        True,
        lambda candles: candles.volume < 0,
        "the volume is negative",
        "correct or remove the row",
    ),
    Check(
        "zero volume",
        False,
        lambda candles: candles.volume == 0,
        "nothing was traded",
        "none needed",
    ),
    Check("gaps", False, _gaps, "bars are missing before it", "none needed: no window crosses one"),
)
