"""Everything that can be wrong with candles, counted; what training must not see stops it.

It repairs nothing and knows nothing of where candles come from. Raw `Candles` may hold anything;
after `require` their times rise strictly, their steps fit the timeframe and their prices agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atb.clock import TIMEFRAMES, timeframe_ms
from atb.market import findings
from atb.market.candles import COLUMNS, Candles, Int64
from atb.market.findings import Check, Marks


@dataclass(frozen=True)
class Report(findings.Report):
    """What all checks found in N candles, checked for `timeframe`."""

    timeframe: str


def inspect(candles: Candles) -> Report:
    """Run every check on candles, which may be raw."""
    found = findings.found_by(CHECKS, candles)
    return Report(len(candles), candles.time, found, candles.timeframe)


def require(report: Report, where: str) -> None:
    """Refuse candles with a fatal finding.

    Args:
        report: what `inspect` found.
        where: the file or source, for the message.

    Raises:
        DataError: naming the first row, the counts and the remedy.
    """
    actual = sniff(report.time) or "of no known timeframe"
    findings.refuse_fatal(report, where, timeframe=report.timeframe, actual=actual)


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


CHECKS: tuple[Check[Candles], ...] = (
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
