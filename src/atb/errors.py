"""The tree of errors: what is wrong, where, what to do, and the exit code it ends with.

Every error a user can cause is one of these; the shell prints it as one line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from atb.redaction import redacted


class AtbError(Exception):
    """Something the user can understand and mend; a secret in it is hidden.

    Args:
        what: what is wrong, with the offending value in it.
        where: the file, row, option or object it was found in; empty when `what` says it.
        remedy: what to do next.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what = redacted(what)
        self.where = redacted(where)
        self.remedy = redacted(remedy)
        super().__init__(self.what)

    def __str__(self) -> str:
        """One line: `where: what; remedy`."""
        place = f"{self.where}: " if self.where else ""
        advice = f"; {self.remedy}" if self.remedy else ""
        return f"{place}{self.what}{advice}"

    def to_json(self) -> dict[str, Any]:
        """The line and the exit code, ready for JSON."""
        return {"error": str(self), "exit_code": self.exit_code}


class UsageError(AtbError):
    """A name or value on the command line that cannot be meant."""

    exit_code = 2


class DataError(AtbError):
    """Market data that is missing, damaged or not enough."""

    exit_code = 3


class SourceUnavailableError(DataError):
    """A candle source that cannot be reached: no network, no such archive, a refusal."""


class BarError(DataError):
    """A bar that a stream cannot answer from; none of these is ever a number."""


class DamagedBarError(BarError):
    """A bar whose values no market can have: no finite numbers, a high below the low, ..."""


class DuplicateBarError(BarError):
    """A bar of an open time that was taken already; it is not taken again."""


class OutOfOrderBarError(BarError):
    """A bar older than the newest one, or one that opens between two bars; it is not taken."""


class UnclosedBarError(BarError):
    """A bar whose close is still to come; it is not taken."""


class LateBarError(BarError):
    """A bar that came too long after its close to be acted upon; it is taken all the same."""


class GapError(BarError):
    """A bar before which more are missing than a window may lack; the window begins anew."""


class ConfigError(AtbError):
    """A preset or configuration that does not hold together."""

    exit_code = 4


class EnsembleCompatibilityError(ConfigError):
    """Models that cannot be members of one ensemble: they do not read or predict the same."""


class DivergedError(AtbError):
    """Training whose loss is no longer a finite number."""

    exit_code = 5


class ResourceError(AtbError):
    """Not enough memory, or a library this command needs is not installed."""

    exit_code = 6


class StorageError(AtbError):
    """A file or folder that cannot be written or read."""

    exit_code = 7


class GateRefusedError(AtbError):
    """A model that does not pass a promotion gate.

    Args:
        what, where, remedy: as in `AtbError`.
        findings: the answer of each gate, ready for JSON.
    """

    exit_code = 8

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        remedy: str = "",
        findings: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.findings = findings


class StoppedError(AtbError):
    """A training that was asked to stop; what it did is saved."""

    exit_code = 130


class NotBegunError(AtbError):
    """A job that was not begun, for one that it needs has failed.

    Args:
        what, where, remedy: as in `AtbError`.
        exit_code: of the error that the other one failed by.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "", exit_code: int = 1) -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.exit_code = exit_code


class IntegrityError(AtbError):
    """A file that is not what its manifest says, or a graph that does not agree with its model."""

    exit_code = 9


def nearest(name: str, known: Iterable[str]) -> str:
    """Advice for a misspelt name: the nearest known one, or all of them.

    >>> nearest("balancd", ["fast", "balanced"])
    "did you mean 'balanced'?"
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if names else "none are known"
