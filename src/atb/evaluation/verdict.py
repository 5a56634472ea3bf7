"""The verdict on a model: metrics on test rows beside naive baselines, and what that means.

Knows predictions and labels; whether to promote on it is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import bootstrap
from atb.backtest.predictions import require_valid
from atb.config.targets import Output
from atb.errors import DivergedError
from atb.evaluation.baselines import title
from atb.evaluation.classification import confusion, likeliest
from atb.evaluation.metric import Evidence, Outcome, ratio
from atb.evaluation.skill import Significance, compared
from atb.evaluation.trials import DECIDED, TRIALS, Contest, Trial

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

BETTER, LEVEL, WORSE = "better than", "level with", "worse than"
MODEL = "model"  # among the forecasts, the one that is judged


@dataclass(frozen=True)
class Difference:
    """Model minus baseline, with its 95 % block-bootstrap interval, in the metric's unit."""

    baseline: str
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Confusion:
    """How often each class was predicted when each came true.

    Attributes:
        classes: their names, in order.
        counts: one row for each actual class, with one count for each predicted.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Verdict:
    """How good predictions are.

    Attributes:
        metrics: value of each metric; one that these rows do not define is left out.
        intervals: 95 % block-bootstrap interval of each of them.
        baselines: the metrics of each baseline, for those it takes part in.
        differences: model minus its best baseline for each metric.
        headline: the metric that decides.
        rising: whether more of it is better.
        significance: of the model's losses against those of its best baseline.
        words: what it comes to, in a sentence.
        rows: number of predictions judged.
        block: rows in a block of the bootstrap.
        confusion: of the likeliest class; None for a quantity.
    """

    metrics: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    baselines: Mapping[str, Mapping[str, float]]
    differences: Mapping[str, Difference]
    headline: str
    rising: bool
    significance: Significance
    words: str
    rows: int
    block: int
    confusion: Confusion | None

    def to_json(self) -> dict[str, Any]:
        """The verdict as plain JSON; `confusion` is there for classes only."""
        differences = {name: asdict(value) for name, value in self.differences.items()}
        matrix = self.confusion
        return {
            "metrics": dict(self.metrics),
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "baselines": {name: dict(values) for name, values in self.baselines.items()},
            "differences": differences,
            "headline": self._headline(),
            "significance": self.significance.to_json(),
            "verdict": self.words,
            "bootstrap": {
                "rows": self.rows,
                "block": self.block,
                "resamples": bootstrap.RESAMPLES,
                "level": bootstrap.LEVEL,
            },
            **({"confusion": _plain(matrix)} if matrix else {}),
        }

    def _headline(self) -> dict[str, Any]:
        difference = self.differences[self.headline]
        return {
            "metric": self.headline,
            "baseline": difference.baseline,
            "value": self.metrics[self.headline],
            "naive": self.baselines[difference.baseline][self.headline],
            "difference": difference.estimate,
            "low": difference.low,
            "high": difference.high,
            "rising": self.rising,
        }


def _plain(matrix: Confusion) -> dict[str, Any]:
    return {"classes": list(matrix.classes), "counts": [list(row) for row in matrix.counts]}


@dataclass(frozen=True)
class _Score:
    """One metric of one forecast, on all rows and on every resample `[R]`."""

    value: float
    samples: Float64


@dataclass(frozen=True)
class _Result:
    """A contest's metric of the model, and of each baseline by name.

    `draws` is the number of independent draws in a resample.
    """

    contest: Contest
    model: _Score
    naive: Mapping[str, _Score]
    draws: float

    @property
    def rival(self) -> str:
        """The baseline that did best on these rows, a choice that never flatters the model."""
        best = max if self.contest.metric.rising else min
        return best(self.naive, key=lambda name: self.naive[name].value)

    @property
    def defined(self) -> bool:
        return all(np.isfinite(score.value) for score in (self.model, *self.naive.values()))

    def difference(self) -> Difference:
        naive = self.naive[self.rival]
        low, high = bootstrap.interval(self.model.samples - naive.samples, self.draws)
        return Difference(self.rival, self.model.value - naive.value, low, high)


def judge(
    unit: Output, predicted: Float64, evidence: Evidence, scale: float, seed: int, trials: int = 1
) -> Verdict:
    """Judge predictions of one horizon on test rows.

    Args:
        unit: what is predicted, see `atb.config.targets`.
        predicted: `[M]`, or `[M, 3]` probabilities of down, flat and up, one for each test row.
        evidence: prices, labels and rows of this horizon.
        scale: standard deviation of the label on train rows, 1 for classes.
        seed: of the bootstrap.
        trials: recipes that the model was chosen from, itself included.

    Raises:
        DivergedError: when a prediction is not a finite number, no probability, or so large that
            no metric of it is finite.
    """
    require_valid(unit, predicted)
    test = evidence.test
    outcome = Outcome(predicted, evidence.labels[test], evidence.close[test], scale)
    return _judged(TRIALS[unit], outcome, evidence, seed, trials)


def judge_decided(decided: Int64, evidence: Evidence, seed: int, trials: int = 1) -> Verdict:
    """Judge classes that were decided on without saying how likely they are.

    Args:
        decided: `[M]` 0 down, 1 flat or 2 up, one for each test row.
        evidence: prices, classes and rows of this horizon.
        seed: of the bootstrap.
        trials: recipes that the model was chosen from, itself included.

    Returns:
        What `judge` says of three classes, without metrics of probabilities; macro F1 decides.
    """
    test = evidence.test
    outcome = Outcome(np.eye(3)[decided], evidence.labels[test], evidence.close[test], 1.0)
    return _judged(DECIDED, outcome, evidence, seed, trials)


def _judged(trial: Trial, outcome: Outcome, evidence: Evidence, seed: int, trials: int) -> Verdict:
    test = evidence.test
    if not np.isfinite(evidence.labels[np.concatenate([evidence.train, test])]).all():
        raise ValueError("every judged row and every train row needs its label")
    block = bootstrap.block_length(len(test), evidence.horizon)
    forecasts = _forecasts(trial, outcome, evidence)
    results = {
        result.contest.metric.name: result
        for result in _results(trial, forecasts, block, seed)
        if result.defined
    }
    baselines: dict[str, dict[str, float]] = {}
    for name, result in results.items():
        for baseline, score in result.naive.items():
            baselines.setdefault(baseline, {})[name] = score.value
    side, said = _comparison(trial.headline, results)
    significance = _significance(trial, forecasts, evidence.horizon, trials, side == BETTER)
    return Verdict(
        metrics={name: result.model.value for name, result in results.items()},
        intervals={
            name: bootstrap.interval(result.model.samples, result.draws)
            for name, result in results.items()
        },
        baselines=baselines,
        differences={name: result.difference() for name, result in results.items()},
        headline=trial.headline[0],
        rising=results[trial.headline[0]].contest.metric.rising,
        significance=significance,
        words=f"{significance.words}: {said}",
        rows=len(test),
        block=block,
        confusion=_confusion(outcome, trial.classes) if trial.classes else None,
    )


def _forecasts(trial: Trial, outcome: Outcome, evidence: Evidence) -> dict[str, Outcome]:
    """The model's and, by name, those of the baselines on the same rows."""
    return {MODEL: outcome} | {
        name: replace(outcome, predicted=baseline(evidence), drawn=True)
        for name, baseline in trial.baselines.items()
    }


def _significance(
    trial: Trial, forecasts: Mapping[str, Outcome], horizon: int, trials: int, better: bool
) -> Significance:
    losses = {
        name: trial.tested.metric.columns(forecasts[name])[:, 0]
        for name in (MODEL, *trial.tested.baselines)
    }
    return compared(losses.pop(MODEL), losses, horizon, trials, better=better)


def _results(
    trial: Trial, forecasts: Mapping[str, Outcome], block: int, seed: int
) -> Iterator[_Result]:
    """Every contest, all on the same resamples; columns that metrics share are resampled once.

    One after another, so that no more than one forecast's columns are in memory.
    """
    means = {
        (make, name): _means(make, forecasts[name], block, seed)
        for make, name in dict.fromkeys(
            (contest.metric.columns, name)
            for contest in trial.contests
            for name in (MODEL, *contest.baselines)
        )
    }
    draws = len(forecasts[MODEL].actual) / block
    for contest in trial.contests:
        metric = contest.metric
        scores = {
            name: _Score(float(metric.value(all_rows)), metric.value(resamples))
            for name in (MODEL, *contest.baselines)
            for all_rows, resamples in [means[metric.columns, name]]
        }
        yield _Result(contest, scores.pop(MODEL), scores, draws)


def _means(
    make: Callable[[Outcome], Float64], outcome: Outcome, block: int, seed: int
) -> tuple[Float64, Float64]:
    """Means of a metric's columns on all rows `[k]`, and on every resample `[R, k]`."""
    with np.errstate(over="ignore", invalid="ignore"):
        columns = make(outcome)
    if np.isinf(columns).any():
        raise DivergedError(
            f"predictions reach {np.abs(outcome.predicted).max():g}, too large to be measured",
            remedy="train again with a lower learning rate",
        )
    return columns.mean(axis=0), bootstrap.resampled_means(columns, block, seed)


def _confusion(outcome: Outcome, classes: tuple[str, ...]) -> Confusion:
    counts = confusion(outcome.actual, likeliest(outcome.predicted), len(classes))
    return Confusion(classes, tuple(tuple(row) for row in counts.tolist()))


def _comparison(
    headline: tuple[str, str], results: Mapping[str, _Result]
) -> tuple[str | None, str]:
    """The side, and what is said of it; None where the metric of the baseline is 0.

    Better or worse only when the interval of the headline's ratio leaves out one.
    """
    metric, label = headline
    result = results[metric]
    model, rival, naive = result.model, result.naive[result.rival], title(result.rival)
    if rival.value == 0:
        said = f"no comparison: the {label} of {naive} is 0, that of the model {model.value:.3g}"
        return None, said
    low, high = bootstrap.interval(ratio(model.samples, rival.samples), result.draws)
    lower, higher = (WORSE, BETTER) if result.contest.metric.rising else (BETTER, WORSE)
    side = lower if high < 1 else higher if low > 1 else LEVEL
    share = f"{label} {model.value / rival.value:.4f} of the naive forecast"
    return side, f"{side} {naive}: {share}, 95 % interval [{low:.4f}, {high:.4f}]"
