"""The monitor: takes in what a model sees, says and gets wrong, and says whether it has drifted.

Rows may come one at a time or many at once; what is kept is counts in bins and a window of errors,
so memory does not grow. Two readings are asked for before a column is said to have drifted: that it
is no chance, by a Kolmogorov-Smirnov test of effective rows with all columns taken into account,
and that it matters, by its stability index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from atb.monitor import statistics
from atb.monitor.adwin import Adwin
from atb.monitor.distribution import Distribution, counted
from atb.monitor.profile import Float64, Numbers, Profile, residuals

ALPHA = 0.01  # chance of a false alarm, of all columns together
MAJOR = 0.25  # stability index from which a shift matters (Siddiqi 2006)
DELTA = 0.002  # of ADWIN

State = Literal["stable", "undecided", "shifted", "drifted"]
STATES: tuple[State, ...] = ("drifted", "shifted", "undecided", "stable")  # worst first


@dataclass(frozen=True)
class Column:
    """One column beside its reference.

    Attributes:
        part: `feature`, `prediction` or `residual`.
        name: of the column.
        rows: seen.
        effective_rows: independent draws that say as much.
        psi: population stability index.
        ks: Kolmogorov-Smirnov distance.
        p_value: probability of so large a distance without drift.
        adjusted_p_value: the same with all columns taken into account.
        outside: share of rows beyond all of the reference.
        state: `drifted` is sure and large, `shifted` sure and not large; `undecided` could not have
            been sure whatever the rows were.
    """

    part: str
    name: str
    rows: int
    effective_rows: float
    psi: float
    ks: float
    p_value: float
    adjusted_p_value: float
    outside: float
    state: State


@dataclass(frozen=True)
class Errors:
    """The stream of errors, by their rank among those of test rows.

    Attributes:
        rows: seen.
        mean_rank: of all of them; 0.5 is what test rows had, 1 the worst of them.
        recent_rank: of ADWIN's window, since the last change; of all where there was none.
        changes: how often their level changed.
        changed_at: number of the row at which the last change was seen, from 0; None for never.
        state: `drifted` when they changed and are worse than those of test rows.
    """

    rows: int
    mean_rank: float
    recent_rank: float
    changes: int
    changed_at: int | None
    state: State


@dataclass(frozen=True)
class Drift:
    """What a monitor has found: columns, worst first, and the errors, if any outcome is known."""

    columns: tuple[Column, ...]
    errors: Errors | None

    @property
    def drifted(self) -> bool:
        """Whether anything has."""
        errors = self.errors is not None and self.errors.state == "drifted"
        return errors or any(column.state == "drifted" for column in self.columns)

    def words(self) -> str:
        """The verdict, for people."""
        named = {
            state: [column.name for column in self.columns if column.state == state]
            for state in STATES
        }
        found = list(named["drifted"])
        if self.errors is not None and self.errors.state == "drifted":
            found.append("the level of errors")
        of, unsure = len(self.columns), len(named["undecided"])
        calm = "undecided" if unsure == of else f"stable: none of {of} columns drifted"
        said = [f"drifted: {_listed(found)}" if found else calm]
        if named["shifted"]:
            said.append(f"shifted a little: {_listed(named['shifted'])}")
        if unsure:
            said.append(f"too few rows to tell of {unsure}")
        if self.errors is None:
            said.append("no outcome is known yet")
        return "; ".join(said)

    def to_json(self) -> dict[str, Any]:
        """The verdict and everything behind it, ready for JSON."""
        return {
            "verdict": self.words(),
            "drifted": self.drifted,
            "alpha": ALPHA,
            "columns": [asdict(column) for column in self.columns],
            "errors": None if self.errors is None else asdict(self.errors),
        }


class Monitor:
    """What has been seen since it was made, beside the profile of a model."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._features = [_Counts(one) for one in profile.features]
        self._predictions = [_Counts(one) for one in profile.predictions]
        self._residual, self._errors = _Counts(profile.residual), _Counts(profile.error)
        error = profile.error
        self._adwin = Adwin(DELTA, draws=error.effective)
        self._adwin.remember(error.rows, 0.5, error.rank_variance)
        self._ranks, self._changes = 0.0, 0
        self._changed_at: int | None = None

    def observe(self, features: Numbers, predictions: Float64) -> None:
        """Take in what the model saw and said.

        Args:
            features: `[B, F]` unscaled, of the last row of each window.
            predictions: `[B]` or `[B, 3]` in the unit that is served.

        Raises:
            ValueError: when there are more or fewer columns than in the profile.
        """
        _count(self._features, features)
        _count(self._predictions, predictions.reshape(len(predictions), -1))

    def mature(self, predictions: Float64, outcomes: Float64) -> None:
        """Take in what came true of predictions, in the order in which they were made.

        Args:
            predictions: `[B]` or `[B, 3]` as they were.
            outcomes: `[B]` the quantity, or the index of the class.
        """
        missed = residuals(self._profile.classes, predictions, outcomes)
        seen = self._errors.rows
        self._residual.add(missed)
        self._errors.add(np.abs(missed))
        ranks = self._profile.error.ranks(np.abs(missed))
        self._ranks += float(ranks.sum())
        for number, rank in enumerate(ranks.tolist(), seen):
            if self._adwin.update(rank):
                self._changes, self._changed_at = self._changes + 1, number

    def report(self) -> Drift:
        """The verdict on everything seen so far.

        Raises:
            ValueError: when nothing was seen.
        """
        parts = {
            "feature": self._features,
            "prediction": self._predictions,
            "residual": [self._residual] if self._residual.rows else [],
        }
        seen = [(part, one) for part, columns in parts.items() for one in columns]
        if not self._features[0].rows:
            raise ValueError("nothing was observed yet")
        columns = sorted(_judged(seen), key=_badness)
        return Drift(tuple(columns), self._level() if self._errors.rows else None)

    def _level(self) -> Errors:
        """The errors; only worse ones are drift."""
        rows = self._errors.rows
        mean = self._ranks / rows
        recent = self._adwin.mean if self._changes else mean
        worse = self._changes > 0 and recent > 0.5
        state: State = "drifted" if worse else "shifted" if self._changes else "stable"
        return Errors(rows, mean, recent, self._changes, self._changed_at, state)


class _Counts:
    """How many values of a column fell into each bin of its reference."""

    def __init__(self, reference: Distribution) -> None:
        self.reference = reference
        self.counts: Float64 = np.zeros(len(reference.counts))

    @property
    def rows(self) -> int:
        return int(self.counts.sum())

    def add(self, values: Numbers) -> None:
        self.counts += counted(self.reference.edges, values)


def _count(columns: Sequence[_Counts], values: npt.NDArray[Any]) -> None:
    for column, one in zip(columns, values.T, strict=True):
        column.add(one)


def _judged(seen: Sequence[tuple[str, _Counts]]) -> Iterator[Column]:
    """Every column's distances, and which of them are no chance."""
    draws = [
        (one.reference.effective(one.reference.rows), one.reference.effective(one.rows))
        for _, one in seen
    ]
    distances = [statistics.distance(one.reference.counts, one.counts) for _, one in seen]
    p_values = np.array(
        [statistics.p_value(far, *pair) for far, pair in zip(distances, draws, strict=True)]
    )
    adjusted = statistics.adjusted(p_values)
    for i, (part, one) in enumerate(seen):
        groups = one.reference.grouped(one.reference.counts), one.reference.grouped(one.counts)
        psi = statistics.stability_index(*groups)
        decidable = statistics.p_value(1.0, *draws[i]) * len(seen) < ALPHA
        yield Column(
            part=part,
            name=one.reference.name,
            rows=one.rows,
            effective_rows=draws[i][1],
            psi=psi,
            ks=distances[i],
            p_value=float(p_values[i]),
            adjusted_p_value=float(adjusted[i]),
            outside=float((one.counts[0] + one.counts[-1]) / one.rows),
            state=_state(float(adjusted[i]), psi, decidable),
        )


def _state(adjusted: float, psi: float, decidable: bool) -> State:
    if adjusted >= ALPHA:
        return "stable" if decidable else "undecided"
    return "drifted" if psi >= MAJOR else "shifted"


def _badness(column: Column) -> tuple[int, float]:
    return STATES.index(column.state), column.p_value


def _listed(names: Sequence[str]) -> str:
    """At most five names, and how many more there are."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
