"""The verdict on a model: metrics on test rows beside naive baselines, and what that means.

Knows predictions and labels; whether to promote on it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.backtest.predictions import Unit, require_finite, require_probabilities
from atb.errors import DivergedError
from atb.evaluation import bootstrap, classification, regression
from atb.evaluation.baselines import BASELINES
from atb.evaluation.metric import Metric, Outcome, ratio

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Contest:
    """A metric and the baseline it is measured against."""

    metric: Metric
    baseline: str


@dataclass(frozen=True)
class Difference:
    """Model minus baseline, with its 95 % block-bootstrap interval, in the metric's unit."""

    baseline: str
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """How good predictions are.

    Attributes:
        metrics: value of each metric; one that these rows do not define is left out.
        baselines: the same of each baseline, for the metrics it takes part in.
        differences: model minus baseline for each metric.
        words: what it comes to, in a sentence.
        rows: number of predictions judged.
        block: rows in a block of the bootstrap.
    """

    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    differences: Mapping[str, Difference]
    words: str
    rows: int
    block: int

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {
            "metrics": dict(self.metrics),
            "baselines": {name: dict(values) for name, values in self.baselines.items()},
            "differences": {name: asdict(value) for name, value in self.differences.items()},
            "verdict": self.words,
            "bootstrap": {
                "rows": self.rows,
                "block": self.block,
                "resamples": bootstrap.RESAMPLES,
                "level": bootstrap.LEVEL,
            },
        }


CONTESTS: Mapping[Unit, tuple[Contest, ...]] = {
    "return": (
        *(Contest(metric, "persistence") for metric in regression.METRICS),
        Contest(regression.DIRECTION, "majority"),
    ),
    "probability": (
        *(Contest(metric, "class_frequency") for metric in classification.METRICS),
        Contest(classification.ACCURACY, "majority"),
    ),
}
HEADLINES: Mapping[Unit, tuple[str, str]] = {
    "return": ("rmse", "RMSE"),
    "probability": ("log_loss", "log loss"),
}


@dataclass(frozen=True)
class _Score:
    """One contest's result on all rows, `model` and `naive`, and on every resample `[R]`."""

    contest: Contest
    model: float
    naive: float
    models: Float64
    naives: Float64

    @property
    def defined(self) -> bool:
        return bool(np.isfinite(self.model) and np.isfinite(self.naive))

    def difference(self) -> Difference:
        low, high = bootstrap.interval(self.models - self.naives)
        return Difference(self.contest.baseline, self.model - self.naive, low, high)


def judge(unit: Unit, outcome: Outcome, train: Float64, horizon: int, seed: int) -> Verdict:
    """Judge predictions on test rows.

    Args:
        unit: `return` or `probability`.
        outcome: predictions and what came true, `[M]` in time order.
        train: labels of the train rows, for the baselines.
        horizon: bars a label spans; neighbouring labels depend on each other over as many.
        seed: of the bootstrap.

    Raises:
        DivergedError: when a prediction is not a finite number, no probability, or so large that
            no metric of it is finite.
    """
    require_finite(outcome.predicted)
    if unit == "probability":
        require_probabilities(outcome.predicted)
    if not (np.isfinite(outcome.actual).all() and np.isfinite(train).all()):
        raise ValueError("every judged row and every train row needs its label")
    block = bootstrap.block_length(len(outcome.actual), horizon)
    scores = {s.contest.metric.name: s for s in _scores(unit, outcome, train, block, seed)}
    baselines: dict[str, dict[str, float]] = {}
    for name, score in scores.items():
        baselines.setdefault(score.contest.baseline, {})[name] = score.naive
    return Verdict(
        metrics={name: score.model for name, score in scores.items()},
        baselines=baselines,
        differences={name: score.difference() for name, score in scores.items()},
        words=_words(*HEADLINES[unit], scores),
        rows=len(outcome.actual),
        block=block,
    )


def _scores(
    unit: Unit, outcome: Outcome, train: Float64, block: int, seed: int
) -> Sequence[_Score]:
    """Every contest whose metric these rows define, all on the same resamples."""
    contests = CONTESTS[unit]
    with np.errstate(over="ignore", invalid="ignore"):
        pairs = [
            (
                contest.metric.columns(outcome),
                contest.metric.columns(BASELINES[contest.baseline](outcome, train)),
            )
            for contest in contests
        ]
    _require_measurable(outcome, [model for model, _ in pairs])
    columns = [column for pair in pairs for column in pair]
    means = bootstrap.resampled_means(np.concatenate(columns, axis=1), block, seed)
    parts = np.split(means, np.cumsum([c.shape[1] for c in columns])[:-1], axis=1)
    scores = [
        _score(contest, pair, (parts[2 * i], parts[2 * i + 1]))
        for i, (contest, pair) in enumerate(zip(contests, pairs, strict=True))
    ]
    return [score for score in scores if score.defined]


def _score(
    contest: Contest, columns: tuple[Float64, Float64], means: tuple[Float64, Float64]
) -> _Score:
    value = contest.metric.value
    model, naive = (float(value(column.mean(axis=0))) for column in columns)
    return _Score(contest, model, naive, value(means[0]), value(means[1]))


def _require_measurable(outcome: Outcome, columns: Sequence[Float64]) -> None:
    if any(np.isinf(column).any() for column in columns):
        raise DivergedError(
            f"predictions reach {np.abs(outcome.predicted).max():g}, too large to be measured",
            remedy="train again with a lower learning rate",
        )


def _words(metric: str, label: str, scores: Mapping[str, _Score]) -> str:
    """Better or worse only when the interval of the headline's ratio leaves out one."""
    score = scores[metric]
    naive = score.contest.baseline.replace("_", " ")
    if score.naive == 0:
        return f"no comparison: the {label} of {naive} is 0, that of the model {score.model:.3g}"
    low, high = bootstrap.interval(ratio(score.models, score.naives))
    side = "better than" if high < 1 else "worse than" if low > 1 else "level with"
    share = f"{label} {score.model / score.naive:.4f} of the naive forecast"
    return f"{side} {naive}: {share}, 95 % interval [{low:.4f}, {high:.4f}]"
