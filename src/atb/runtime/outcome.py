"""What came of a live loop, or of a replay, from its beginning to its end."""

from __future__ import annotations

import statistics
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from atb.clock import iso
from atb.runtime.decision import Decision
from atb.runtime.paper import PaperTrade

NEWEST = 1000  # latencies that their median is taken of


@dataclass(frozen=True)
class Outcome:
    """What came of it.

    Attributes:
        symbol: the market.
        timeframe: length of a bar.
        source: where the bars came from.
        synthetic: whether simulated rows are behind any of it.
        ended: whether there are no more bars, so that everything was closed; else the account goes
            on where it stands when the same ledger is opened again.
        first: open of the first bar decided upon, ISO 8601, UTC; None where there was none.
        last: of the last.
        decisions: how many, of those since the loop began.
        actions: how many of each kind.
        versions: models that were asked, in the order in which they came.
        latency_ms: median, of the newest thousand answers; None where there was none.
        equity: of the paper account, 1 when its ledger began, marked at the last close.
        held: its position, in multiples of the equity.
        trades: closed since the loop began.
        closed: how many were closed since its ledger began.
        drift: what the monitor last said; None while it had too little to say.
        drifted: whether it said so.
        ledger: the file with every decision.
    """

    symbol: str
    timeframe: str
    source: str
    synthetic: bool
    ended: bool
    first: str | None
    last: str | None
    decisions: int
    actions: Mapping[str, int]
    versions: tuple[str, ...]
    latency_ms: float | None
    equity: float
    held: float
    trades: tuple[PaperTrade, ...]
    closed: int
    drift: str | None
    drifted: bool
    ledger: Path

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        said = asdict(self)
        return {**said, "versions": list(self.versions), "ledger": str(self.ledger)}


@dataclass
class Tally:
    """Decisions counted as they are taken."""

    decisions: int = 0
    first: int | None = None
    last: int | None = None
    actions: Counter[str] = field(default_factory=Counter)
    versions: list[str] = field(default_factory=list)
    latencies: deque[float] = field(default_factory=lambda: deque(maxlen=NEWEST))

    def add(self, decision: Decision) -> None:
        """One more."""
        self.decisions += 1
        self.actions[decision.action] += 1
        self.first = decision.bar if self.first is None else self.first
        self.last = decision.bar
        if decision.version is not None and decision.version not in self.versions[-1:]:
            self.versions.append(decision.version)
        if decision.latency_ms is not None:
            self.latencies.append(decision.latency_ms)

    def figures(self) -> dict[str, Any]:
        """Fields of an `Outcome`."""
        return {
            "first": None if self.first is None else iso(self.first),
            "last": None if self.last is None else iso(self.last),
            "decisions": self.decisions,
            "actions": dict(self.actions),
            "versions": tuple(self.versions),
            "latency_ms": statistics.median(self.latencies) if self.latencies else None,
        }
