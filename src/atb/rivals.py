"""Two registered models compared on the test rows they share.

Knows where predictions lie and which of them may be compared; the figures are `evaluation`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.clock import iso
from atb.config.training import TrainingConfig, from_json
from atb.errors import DataError, IntegrityError, UsageError
from atb.evaluation import paired
from atb.evaluation.metric import Outcome
from atb.registry import document, integrity
from atb.registry.gates import Rivalry
from atb.registry.version import Version
from atb.report import predicted
from atb.report.predicted import Predicted

Int64 = npt.NDArray[np.int64]
FEWEST = 30  # rows below which an interval means nothing
MOST_PER_MS = 1_000_000
SEED = 7  # of the bootstrap: the same two models always compare alike


@dataclass(frozen=True)
class Contender:
    """A model that is compared, read from a verified folder.

    Attributes:
        version: its folder.
        config: its recipe.
        metrics: its `metrics.json`.
        tested: its predictions for test rows.
    """

    version: Version
    config: TrainingConfig
    metrics: Mapping[str, Any]
    tested: Predicted

    @property
    def question(self) -> dict[str, Any]:
        """What it was asked: of which market and rows, what, how far ahead."""
        rows = self.config.data.facts()
        rows.pop("levels", None)  # how deep it looks into a book is no part of the question
        first = {"horizon": self.config.target.horizons[0]}
        return {
            "symbol": self.config.symbol,
            **rows,
            **self.config.target.model_dump(),
            **first,
        }


@dataclass(frozen=True)
class Shared:
    """What two models predicted of the same rows.

    Attributes:
        time: `[n]` int64 ms UTC of the rows.
        one: outcome of the first model there.
        other: outcome of the second.
        differing: rows at which they do not agree on what came true.
    """

    time: Int64
    one: Outcome
    other: Outcome
    differing: int


@dataclass(frozen=True)
class Comparison:
    """Two models side by side on the rows they share."""

    a: Version
    b: Version
    shared: Shared
    pairs: list[paired.Pair]

    def to_json(self) -> dict[str, Any]:
        """The models, the rows they share, and each metric."""
        return {
            "a": self.a.reference,
            "b": self.b.reference,
            "rows": len(self.shared.time),
            "first": iso(int(self.shared.time[0])),
            "last": iso(int(self.shared.time[-1])),
            "metrics": [pair.to_json() for pair in self.pairs],
        }


def read(version: Version) -> Contender:
    """A model that is to be compared.

    Raises:
        IntegrityError: when it is not as it was written.
        ConfigError: when its recipe is of another version of atb.
    """
    path = version.path
    integrity.verify(path)
    config = from_json((path / "config.json").read_text(), str(path))
    metadata, metrics = (document.read(path / name) for name in ("metadata.json", "metrics.json"))
    return Contender(version, config, metrics, predicted.read(path, config, metadata))


def compare(a: Version, b: Version) -> Comparison:
    """Every metric of two models on the test rows they share.

    Raises:
        UsageError: when they were asked different things.
        DataError: when they share too few rows, or do not agree on what came true there.
        IntegrityError: when one is not as it was written.
    """
    one, other = read(a), read(b)
    require_alike(one, other)
    shared = shared_rows(one.tested, other.tested)
    if len(shared.time) < FEWEST:
        raise DataError(
            f"they share {len(shared.time)} test rows, {FEWEST} are needed: the one was tested "
            f"{_span(one.tested)}, the other {_span(other.tested)}",
            remedy="train one of them again on the candles of the other",
        )
    if shared.differing:
        raise DataError(
            f"at {shared.differing:,} of {len(shared.time):,} shared rows other things came true "
            "for the one than for the other",
            remedy="train one of them again on the candles of the other",
        )
    target = one.config.target
    pairs = paired.side_by_side(target.output, shared.one, shared.other, target.horizons[0], SEED)
    return Comparison(a, b, shared, list(pairs))


def rivalry(version: Version, running: Version, fewest: int) -> Rivalry:
    """How a model stands to the one that runs.

    They are paired on the test rows they share. Where those are fewer than `fewest`, or not the
    same came true there, each one's share of its own naive figure is compared, on its own rows.

    Raises:
        UsageError: when they were asked different things.
        IntegrityError: when one is not as it was written.
        ConfigError: when a recipe is of another version of atb.
    """
    one, other = read(version), read(running)
    require_alike(one, other)
    shared = shared_rows(one.tested, other.tested)
    rows = len(shared.time)
    if rows < fewest or shared.differing:
        few = f"{rows:,} shared rows" if rows < fewest else f"{shared.differing:,} rows differ"
        return _by_skill(one, other, few)
    target = one.config.target
    found = paired.worsening(target.output, shared.one, shared.other, target.horizons[0], SEED)
    words = (
        f"how much worse than {running.reference} it may be, share of its {found.metric}, "
        f"paired on {rows:,} rows"
    )
    return Rivalry(running.reference, found.high, found.low, words)


def _by_skill(one: Contender, other: Contender, why: str) -> Rivalry:
    """Each one's figure as a share of its own baseline's, the only thing left to compare."""
    ours, theirs = (_headline(contender) for contender in (one, other))
    if ours["metric"] != theirs["metric"]:
        raise UsageError(f"one is judged by {ours['metric']}, the other by {theirs['metric']}")
    shares = [float(found["value"]) / float(found["naive"]) for found in (ours, theirs)]
    worse = (shares[0] / shares[1] - 1) * (-1 if ours["rising"] else 1)
    words = (
        f"not paired with {other.version.reference} ({why}): its {ours['metric']} is "
        f"{shares[0]:.4f} of the naive one's, that model's {shares[1]:.4f}"
    )
    return Rivalry(other.version.reference, worse, worse, words)


def _headline(contender: Contender) -> Mapping[str, Any]:
    if "headline" not in contender.metrics:
        raise IntegrityError(
            "it has no headline",
            where=str(contender.version.path / "metrics.json"),
            remedy="it is from another version of atb; train the model again",
        )
    found: Mapping[str, Any] = contender.metrics["headline"]
    return found


def require_alike(one: Contender, other: Contender) -> None:
    """Nothing, if two models were asked the same.

    Raises:
        UsageError: naming what differs.
    """
    for name, asked in one.question.items():
        theirs = other.question.get(name)
        if asked != theirs:
            raise UsageError(
                f"they were asked different things: {name} is {asked!r} for the one, "
                f"{theirs!r} for the other",
                remedy="compare what they earn with: atb backtest compare",
            )


def shared_rows(one: Predicted, other: Predicted) -> Shared:
    """What two models predicted of the rows that both predicted, which may be none."""
    a, b = _keys(one.time), _keys(other.time)
    _, ours, theirs = np.intersect1d(a, b, assume_unique=True, return_indices=True)
    left, right = _at(one.outcome, ours), _at(other.outcome, theirs)
    differing = ~np.isclose(left.actual, right.actual, rtol=1e-6, atol=1e-9)
    return Shared(one.time[ours], left, right, int(differing.sum()))


def _keys(time: Int64) -> Int64:
    """What names a row: its time, and its place among those of the same ms, which books have."""
    place = np.arange(len(time)) - np.searchsorted(time, time, "left")
    keys: Int64 = time * MOST_PER_MS + place
    return keys


def _at(outcome: Outcome, rows: Int64) -> Outcome:
    return replace(
        outcome,
        predicted=outcome.predicted[rows],
        actual=outcome.actual[rows],
        close=outcome.close[rows],
    )


def _span(tested: Predicted) -> str:
    return f"{iso(int(tested.time[0]))} to {iso(int(tested.time[-1]))}"
