"""What a comparison of presets comes to, as one plain JSON object.

Every figure of a preset is the mean over its seeds; its interval is that of the mean, from blocks
of test rows drawn alike for all presets.

`presets`: by name, seconds of training, epochs, validation loss, metrics with interval and spread
over seeds, the deciding metric against the yardstick in percent (positive is worse), the Sharpe
ratio net of costs, and each run. `naive`: the baselines' metrics. `rival`: the naive rule
of trading and its Sharpe ratio. `words`: what it comes to, line
by line. `failures`: by member, the error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import __version__, bootstrap
from atb.clock import iso, now_ms
from atb.config.targets import Output
from atb.errors import AtbError, DataError
from atb.evaluation import significance
from atb.evaluation.classification import OVERALL
from atb.evaluation.metric import Metric, Outcome, ratio
from atb.evaluation.trials import TRIALS
from atb.studies.study import Study
from atb.studies.tested import Tested, read

Float64 = npt.NDArray[np.float64]
Json = dict[str, Any]

F1 = next(metric for metric in OVERALL if metric.name == "macro_f1")
DRAWS = 7  # seed of the resamples: the same rows for all, whichever of their seeds failed
SHOWN = ("rmse", "price_mape", "log_loss", "accuracy", "log_rmse")  # where the target has them


@dataclass(frozen=True)
class _Figure:
    """A figure's mean over the seeds, on all rows and on each resample `[R]`, and of each seed.

    `draws` is the number of independent draws in a resample.
    """

    value: float
    samples: Float64
    draws: float
    seeds: tuple[float, ...]

    def to_json(self) -> Json:
        low, high = bootstrap.interval(self.samples, self.draws)
        spread = float(np.std(self.seeds, ddof=1)) if len(self.seeds) > 1 else None
        return {"value": self.value, "low": low, "high": high, "spread": spread}


def of(study: Study, failures: Mapping[str, AtbError], yardstick: str) -> Json:
    """The results of the members that have a model, and why others have none.

    Raises:
        IntegrityError: when a model is not as it was written.
        DataError: when models were tested on different rows.
    """
    history = study.history()
    found = [read(study, member, history) for member in study.members if member not in failures]
    _require_same_rows(found)
    by_preset: dict[str, list[Tested]] = {}
    for run in found:
        by_preset.setdefault(run.config.name, []).append(run)
    presets = _judged(by_preset, yardstick) if yardstick in by_preset else {}
    first = next(iter(study.members.values()))
    return {
        "study": study.name,
        "path": str(study.path),
        "created": iso(now_ms()),
        "atb": __version__,
        "symbol": first.symbol,
        "data": found[0].metadata["data"] if found else None,
        "windows": found[0].metadata["dataset"]["windows"] if found else {},
        "periods": found[0].metadata["dataset"]["periods"] if found else {},
        "target": first.target.model_dump(mode="json"),
        "yardstick": yardstick,
        "deciding": TRIALS[first.target.output].headline[0],
        "naive": found[0].naive if found else {},
        "rival": found[0].rival if found else {},
        "presets": presets,
        "failures": {name: error.to_json() for name, error in failures.items()},
        "words": list(_words(presets, found, yardstick)) if presets else [],
    }


def _require_same_rows(found: Sequence[Tested]) -> None:
    for run in found[1:]:
        if not np.array_equal(run.rows, found[0].rows):
            raise DataError(
                f"{run.name} was tested on {len(run.rows)} rows, {found[0].name} on "
                f"{len(found[0].rows)} that are not the same",
                remedy="give them the same gaps with --set dataset.max_gap=BARS",
            )


def _judged(by_preset: Mapping[str, Sequence[Tested]], yardstick: str) -> Json:
    figures = {name: dict(_metrics(runs)) for name, runs in by_preset.items()}
    metric = TRIALS[by_preset[yardstick][0].config.target.output].deciding
    deciding = {name: found[metric.name] for name, found in figures.items()}
    seconds = float(np.mean([run.facts["seconds"] for run in by_preset[yardstick]]))
    return {
        name: {
            **_means(runs, ("seconds", "epochs", "validation_loss", "parameters")),
            "times_as_fast": seconds / float(np.mean([run.facts["seconds"] for run in runs])),
            "metrics": {one: figure.to_json() for one, figure in figures[name].items()},
            "against": _against(deciding[name], deciding[yardstick], metric.rising),
            "sharpe": _sharpe(runs).to_json(),
            "runs": [{"member": run.name, **run.facts} for run in runs],
        }
        for name, runs in by_preset.items()
    }


def _means(runs: Sequence[Tested], names: Sequence[str]) -> Json:
    return {name: float(np.mean([run.facts[name] for run in runs])) for name in names}


def _metric(output: Output) -> tuple[Metric, ...]:
    """The deciding metric, then those that are shown beside it."""
    metrics = {contest.metric.name: contest.metric for contest in TRIALS[output].contests}
    deciding = TRIALS[output].deciding
    return deciding, *(metrics[name] for name in SHOWN if name in metrics and name != deciding.name)


def _metrics(runs: Sequence[Tested]) -> Iterator[tuple[str, _Figure]]:
    output = runs[0].config.target.output
    for metric in _metric(output):
        yield metric.name, _figure(metric, runs)
    if output != "log_volatility":  # what has no direction has no F1
        yield F1.name, _figure(F1, runs, direction=output in ("return", "move"))


def _figure(metric: Metric, runs: Sequence[Tested], *, direction: bool = False) -> _Figure:
    """A metric's mean over runs; all of them see the same resamples of their common rows."""
    outcomes = [_direction(run.outcome) if direction else run.outcome for run in runs]
    columns = [metric.columns(outcome) for outcome in outcomes]
    return _mean([(metric.value(one.mean(axis=0)), one) for one in columns], metric.value, runs)


def _direction(outcome: Outcome) -> Outcome:
    """Quantities as decisions between up and not up."""
    up = (outcome.predicted > 0).astype(np.float64)
    return Outcome(up, (outcome.actual > 0).astype(np.float64), outcome.close, 1.0)


def _sharpe(runs: Sequence[Tested]) -> _Figure:
    """The Sharpe ratio per square root of a year, net of costs."""
    scale = float(np.sqrt(runs[0].bars_per_year))

    def value(means: Float64) -> Float64:
        deviation = np.sqrt(np.maximum(means[..., 1] - means[..., 0] ** 2, 0.0))
        return scale * ratio(means[..., 0], deviation, otherwise=0.0)

    columns = [np.stack([run.steps, run.steps**2], axis=1) for run in runs]
    return _mean([(value(one.mean(axis=0)), one) for one in columns], value, runs)


def _mean(members: Sequence[tuple[Any, Float64]], value: Any, runs: Sequence[Tested]) -> _Figure:
    seeds = tuple(float(one) for one, _ in members)
    horizon = runs[0].config.target.horizons[0]
    rows = len(members[0][1])
    block = bootstrap.block_length(rows, horizon)
    samples = [value(bootstrap.resampled_means(columns, block, DRAWS)) for _, columns in members]
    return _Figure(float(np.mean(seeds)), np.mean(samples, axis=0), rows / block, seeds)


def _against(own: _Figure, yardstick: _Figure, rising: bool) -> Json:
    """How many percent worse than the yardstick; the interval is that of the paired ratio."""
    sign = -1.0 if rising else 1.0
    low, high = sorted(
        sign * 100 * (bound - 1)
        for bound in bootstrap.interval(ratio(own.samples, yardstick.samples), own.draws)
    )
    return {
        "percent_worse": sign * 100 * (own.value / yardstick.value - 1),
        "low": low,
        "high": high,
    }


def _words(presets: Json, found: Sequence[Tested], yardstick: str) -> Iterator[str]:
    """What speed costs, what beats the naive forecast, and what the best Sharpe ratio is worth."""
    for name, one in presets.items():
        if name == yardstick:
            continue
        against, fast = one["against"], one["times_as_fast"]
        side = (
            "worse than"
            if against["low"] > 0
            else "better than"
            if against["high"] < 0
            else "level with"
        )
        yield (
            f"{name} trains {fast:.1f} times as fast as {yardstick} and is {side} it: "
            f"{against['percent_worse']:+.2f} % [{against['low']:+.2f}, {against['high']:+.2f}]"
        )
    yield from (f"{run.name}: {run.facts['verdict']}" for run in found if run.name.endswith("-1"))
    ratios = [significance.sharpe(run.steps) for run in found]
    best = int(np.argmax(ratios))
    deviation = float(np.std(ratios, ddof=1)) if len(ratios) > 1 else None
    sure = significance.deflated_sharpe(found[best].steps, len(found), deviation)
    yield (
        f"the best Sharpe ratio of {len(found)} models, "
        f"{ratios[best] * np.sqrt(found[best].bars_per_year):.2f} ({found[best].name}), is above "
        f"what luck gives the best of so many with a probability of {sure:.0%}"
    )
