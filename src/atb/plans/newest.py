"""A new model beside the one that runs, on the newest rows: such as neither has learned from.

The one that runs predicts them here for the first time, by its serving graph. Knows which rows are
taken; the figures are `atb.evaluation`'s.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from atb import rivals
from atb.clock import iso, parse_time
from atb.evaluation import paired
from atb.evaluation.metric import Outcome
from atb.market.history import History
from atb.registry import document
from atb.registry.gates import Rivalry
from atb.registry.version import Version
from atb.report.predicted import Predicted
from atb.rivals import Contender, Shared
from atb.runtime import drift, scoring


@dataclass(frozen=True)
class Newest:
    """How much worse a new model is than the one that runs, in the metric that decides.

    Attributes:
        beside: the model that runs.
        rows: newest rows that both predicted.
        first: time of the first of them, ISO 8601, UTC.
        last: of the last.
        metric: its name.
        worse: share of the other's figure by which it is worse; negative where it is better.
        low, high: 95 % block-bootstrap interval of that share.
    """

    beside: str
    rows: int
    first: str
    last: str
    metric: str
    worse: float
    low: float
    high: float

    def rivalry(self) -> Rivalry:
        """The same for the gate that asks whether it is worse."""
        words = (
            f"how much worse than {self.beside} it may be, share of its {self.metric}, paired on "
            f"{self.rows:,} newest rows"
        )
        return Rivalry(self.beside, self.high, self.low, words)

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


def beside(version: Version, running: Version, history: History) -> Newest | None:
    """A new model beside the one that runs; None where they cannot be paired.

    That is where they share too few rows, where classes are cut at thresholds that differ, or where
    the metric that decides is undefined for one of them.

    Args:
        version: a model of this history, by the recipe of the one that runs.
        running: the model that runs.
        history: `[N]` rows.

    Raises:
        UsageError: when they were asked different things.
        IntegrityError: when one is not as it was written.
    """
    ours, theirs = rivals.read(version), rivals.read(running)
    rivals.require_alike(ours, theirs)
    found = rivals.shared_rows(ours.tested, _said(theirs, history))
    if len(found.time) < rivals.FEWEST or found.differing:
        return None
    judged = _judged(ours, running, found)
    return judged if np.isfinite([judged.worse, judged.low, judged.high]).all() else None


def _said(model: Contender, history: History) -> Predicted:
    """What a model says of the rows that it has not learned from."""
    metadata = document.read(model.version.path / "metadata.json")
    start = int(np.searchsorted(history.close_time, parse_time(metadata["learned_until"]), "right"))
    predictions, _ = scoring.observe(model.version.path, history, start)
    actual = drift.outcomes_of(model.config, metadata, history)[predictions.rows]
    known = np.isfinite(actual)
    rows = predictions.rows[known]
    outcome = Outcome(predictions.value[known], actual[known], history.price[rows], 1.0)
    return Predicted(history.time[rows], outcome)


def _judged(ours: Contender, running: Version, found: Shared) -> Newest:
    target = ours.config.target
    told = paired.worsening(target.output, found.one, found.other, target.horizons[0], rivals.SEED)
    first, last = (iso(int(found.time[row])) for row in (0, -1))
    return Newest(
        running.reference,
        len(found.time),
        first,
        last,
        told.metric,
        told.value,
        told.low,
        told.high,
    )
