"""The verdict on a model: metrics on test rows beside naive baselines, and what that means.

Knows predictions and labels; whether to promote on it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.evaluation import bootstrap, classification, regression
from atb.evaluation.baselines import BASELINES
from atb.evaluation.metric import Metric, Outcome

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
        metrics: value of each metric.
        baselines: the same of each baseline, for the metrics it takes part in.
        differences: model minus baseline for each metric.
        words: what it comes to, in a sentence.
    """

    metrics: Mapping[str, float]
    baselines: Mapping[str, Mapping[str, float]]
    differences: Mapping[str, Difference]
    words: str

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain JSON."""
        return {
            "metrics": dict(self.metrics),
            "baselines": {name: dict(values) for name, values in self.baselines.items()},
            "differences": {name: asdict(value) for name, value in self.differences.items()},
            "verdict": self.words,
        }


CONTESTS: Mapping[str, tuple[Contest, ...]] = {
    "return": (
        *(Contest(metric, "persistence") for metric in regression.METRICS),
        Contest(regression.DIRECTION, "majority"),
    ),
    "probability": (
        *(Contest(metric, "class_frequency") for metric in classification.METRICS),
        Contest(classification.ACCURACY, "majority"),
    ),
}
HEADLINES = {"return": "rmse", "probability": "log_loss"}


def judge(unit: str, outcome: Outcome, train: Float64, horizon: int, seed: int) -> Verdict:
    """Judge predictions on test rows.

    Args:
        unit: `return` or `probability`.
        outcome: predictions and what came true, `[M]` in time order.
        train: labels of the train rows, for the baselines.
        horizon: bars a label spans; neighbouring labels depend on each other over as many.
        seed: of the bootstrap.
    """
    metrics: dict[str, float] = {}
    baselines: dict[str, dict[str, float]] = {}
    differences: dict[str, Difference] = {}
    block = bootstrap.block_length(len(outcome.actual), horizon)
    for contest in CONTESTS[unit]:
        metric, naive = contest.metric, BASELINES[contest.baseline](outcome, train)
        metrics[metric.name] = metric.of(outcome)
        baselines.setdefault(contest.baseline, {})[metric.name] = metric.of(naive)
        differences[metric.name] = _difference(contest, outcome, naive, block, seed)
    if unit == "probability":
        metrics["auc"] = classification.auc(outcome)
        baselines["class_frequency"]["auc"] = 0.5
    return Verdict(metrics, baselines, differences, _words(unit, metrics, baselines, differences))


def _difference(
    contest: Contest, outcome: Outcome, naive: Outcome, block: int, seed: int
) -> Difference:
    metric = contest.metric
    pair = [metric.columns(one) for one in (outcome, naive)]
    width = pair[0].shape[1]
    means = bootstrap.resampled_means(np.concatenate(pair, axis=1), block, seed)
    samples = metric.value(means[:, :width]) - metric.value(means[:, width:])
    low, high = bootstrap.interval(samples)
    return Difference(contest.baseline, metric.of(outcome) - metric.of(naive), low, high)


def _words(
    unit: str,
    metrics: Mapping[str, float],
    baselines: Mapping[str, Mapping[str, float]],
    differences: Mapping[str, Difference],
) -> str:
    """Better or worse only when the interval of the headline metric leaves out zero."""
    name = HEADLINES[unit]
    difference = differences[name]
    naive = baselines[difference.baseline][name]
    label = difference.baseline.replace("_", " ")
    if difference.high < 0:
        finding = f"better than {label}"
    elif difference.low > 0:
        finding = f"worse than {label}"
    else:
        finding = f"level with {label}"
    share = f"{metrics[name] / naive:.4f} of the naive" if naive else "the naive is perfect"
    return (
        f"{finding}: {name.replace('_', ' ')} is {share}, 95 % interval of the difference "
        f"{difference.low:+.2e} to {difference.high:+.2e}"
    )
