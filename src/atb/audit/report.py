"""What an audit of one thing comes to: a set of features, a target, a recipe, somebody's module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from atb.audit.alignment import Fault
from atb.audit.lookahead import Finding
from atb.errors import DataError

Kind = Literal["features", "target", "preset", "module"]


@dataclass(frozen=True)
class Audit:
    """One thing that was audited.

    Attributes:
        kind: what it is.
        name: the set, target or recipe; the file or module.
        rows: rows of the history it was run on.
        findings: one for each of its features.
        checks: what else it was asked.
        faults: what these checks found.
    """

    kind: Kind
    name: str
    rows: int
    findings: tuple[Finding, ...] = ()
    checks: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether every feature was judged and nothing was found."""
        return not self.faults and all(found.verdict == "clean" for found in self.findings)

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {
            "kind": self.kind,
            "name": self.name,
            "rows": self.rows,
            "clean": self.clean,
            "features": [found.to_json() for found in self.findings],
            "checks": list(self.checks),
            "faults": [found.to_json() for found in self.faults],
        }


def require_clean(audits: Sequence[Audit]) -> None:
    """Nothing, if nothing was found.

    Raises:
        DataError: naming what is not clean.
    """
    wrong = [
        f"{found.name} ({found.verdict})"
        for audit in audits
        for found in audit.findings
        if found.verdict != "clean"
    ]
    wrong += [f"{audit.name} ({found.check})" for audit in audits for found in audit.faults]
    if wrong:
        shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
        raise DataError(
            f"not clean: {shown}",
            remedy="a result that rests on it says nothing about the future",
        )
