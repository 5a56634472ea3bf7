"""Checks of rows, what they find, and the one refusal of what is fatal.

It knows rows by position and time, nothing of what is in them: `checks.py` has the checks of
candles, `lob/checks.py` those of order books.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from atb.clock import iso
from atb.errors import DataError

Int64 = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_ | np.int64]
Rows = TypeVar("Rows")


@dataclass(frozen=True)
class Check(Generic[Rows]):
    """One thing that can be wrong.

    Attributes:
        name: short name, the key in counts.
        fatal: whether rows that have it are refused.
        mark: `[N]` how much of it each row has, 0 or false for none.
        problem: what is wrong, said of the first row; may name facts in braces.
        remedy: what to do about it.
    """

    name: str
    fatal: bool
    mark: Callable[[Rows], Marks]
    problem: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """What one check found: `count` of it, first in `row` (position from 0, None without any)."""

    check: Check[Any]
    count: int
    row: int | None


@dataclass(frozen=True)
class Report:
    """What all checks found in N rows.

    Attributes:
        rows: number of rows.
        time: `[N]` int64 ms UTC, as it stands.
        findings: one for each check, in the order of the checks.
        first: position of the first row, where they are a part of more.
    """

    rows: int
    time: Int64
    findings: tuple[Finding, ...]
    first: int = field(default=0, kw_only=True)

    @property
    def counts(self) -> dict[str, int]:
        """How often each check found something, by its name."""
        return {finding.check.name: finding.count for finding in self.findings}

    @property
    def fatal(self) -> tuple[Finding, ...]:
        """The findings for which the rows are refused."""
        return tuple(found for found in self.findings if found.check.fatal and found.count)

    def place(self, row: int) -> str:
        """A row as errors name it.

        >>> Report(1, np.array([0]), ()).place(0)
        'row 0, counted from 0 (1970-01-01T00:00:00Z)'
        """
        return f"row {self.first + row}, counted from 0 ({iso(int(self.time[row]))})"


def found_by(checks: Sequence[Check[Rows]], rows: Rows) -> tuple[Finding, ...]:
    """Run every check on rows, which may be raw."""
    findings = []
    for check in checks:
        marks = np.asarray(check.mark(rows))
        count = int(marks.sum())
        findings.append(Finding(check, count, int(np.argmax(marks > 0)) if count else None))
    return tuple(findings)


def refuse_fatal(report: Report, where: str, **facts: object) -> None:
    """Refuse rows with a fatal finding.

    Args:
        report: what was found.
        where: the file or source, for the message.
        **facts: what problems name in braces.

    Raises:
        DataError: naming the first row, the counts and the remedy.
    """
    if report.fatal:
        first, *others = report.fatal
        also = ", ".join(f"{finding.check.name} {finding.count:,}" for finding in others)
        raise DataError(
            f"{first.check.problem.format(**facts)} ({first.check.name}: {first.count:,} rows"
            f"{f'; also {also}' if also else ''})",
            where=f"{where}, {report.place(first.row or 0)}",
            remedy=first.check.remedy,
        )
