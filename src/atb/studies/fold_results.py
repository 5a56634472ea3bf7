"""What a cross-validation comes to, as one plain JSON object.

`data`: source, rows, times, hash. `scheme`, `splits`, `tested`, `embargo`: how windows were cut.
`horizons`: by horizon, `metrics` and `baselines` with mean, standard deviation over folds and the
value of each fold, and `differences` to the baseline that is best on average, with the folds in
which the model is better and a p-value. `backtest`: likewise of the figures of each fold's
backtest, where a fold tests one stretch of time. `folds`: what each fold learned from, how, and its
verdicts. `paths`: figures of each whole series of out-of-fold predictions; `distribution`: their
mean, deviation and quantiles. `predictions`: the Parquet file. `failures`: by fold, the error.
`words`: what it comes to, line by line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from atb import __version__
from atb.clock import iso, now_ms
from atb.dataset.folds import under_test
from atb.errors import AtbError
from atb.evaluation.trials import TRIALS
from atb.report import record
from atb.studies import fold_words, out_of_fold, paths, spread
from atb.studies.folded import Folded

Json = dict[str, Any]


def of(study: Folded, predictions: Any, failures: Mapping[str, AtbError]) -> Json:
    """The results of the folds that are judged, and why others are not.

    Args:
        study: whose folds they are.
        predictions: the joined table of `out_of_fold`; None where there are none.
        failures: by fold, the error.
    """
    config, scheme, history = study.recipe, study.scheme, study.history()
    missing = study.missing()
    folds = {name: study.figures(name) for name in study.members if name not in missing}
    rising = {
        contest.metric.name: contest.metric.rising
        for contest in TRIALS[config.target.output].contests
    }
    horizons = {
        str(horizon): _over_folds(
            [one["horizons"][str(horizon)] for one in folds.values()], rising, _tested_share(folds)
        )
        for horizon in (config.target.horizons if folds else ())
    }
    whole = [] if missing else out_of_fold.series(predictions, config)
    found = paths.judged(whole, config, history)
    made = {
        "study": study.name,
        "path": str(study.path),
        "created": iso(now_ms()),
        "atb": __version__,
        "symbol": config.symbol,
        "preset": config.name,
        "data": {**record.data(history), "sha256": history.sha256()},
        "target": config.target.model_dump(mode="json"),
        "scheme": scheme.scheme,
        "splits": scheme.splits,
        "tested": len(under_test(scheme)),
        "embargo": config.dataset.embargo,
        "deciding": TRIALS[config.target.output].headline[0],
        "horizons": horizons,
        "backtest": _backtests(folds),
        "folds": folds,
        "paths": found,
        "distribution": paths.distribution(found),
        "predictions": str(study.predictions) if folds else None,
        "failures": {name: error.to_json() for name, error in failures.items()},
    }
    trials, label = config.chosen.trials, TRIALS[config.target.output].headline[1]
    return {**made, "words": list(fold_words.of(made, label, trials))}


def _tested_share(folds: Mapping[str, Json]) -> float:
    """Windows tested over windows learned from, on average."""
    windows = [one["windows"] for one in folds.values()]
    return fmean(one["test"] / (one["train"] + one["validation"]) for one in windows)


def _over_folds(verdicts: Sequence[Json], rising: Mapping[str, bool], tested_share: float) -> Json:
    """Metrics and baselines of one horizon over the folds, and how they differ."""
    names = dict.fromkeys(name for one in verdicts for name in one["baselines"])
    metrics = _spread([one["metrics"] for one in verdicts])
    baselines = {
        name: _spread([one["baselines"].get(name, {}) for one in verdicts]) for name in names
    }
    differences = {
        metric: _difference(
            own,
            {name: known[metric] for name, known in baselines.items() if metric in known},
            rising[metric],
            tested_share,
        )
        for metric, own in metrics.items()
    }
    return {"metrics": metrics, "baselines": baselines, "differences": differences}


def _spread(many: Sequence[Json]) -> Json:
    return {name: spread.over(values) for name, values in spread.of_each(many).items()}


def _difference(own: Json, naive: Mapping[str, Json], rising: bool, tested_share: float) -> Json:
    """Model minus the baseline that is best on average, and whether that is more than luck."""
    best = max if rising else min
    rival = best(naive, key=lambda name: naive[name]["mean"])
    pairs = zip(own["each"], naive[rival]["each"], strict=True)
    each = [None if None in pair else pair[0] - pair[1] for pair in pairs]
    gains = [one if rising or one is None else -one for one in each]
    return {
        "baseline": rival,
        **spread.over(each),
        "better": sum(one > 0 for one in gains if one is not None),
        "p_value": spread.p_value(gains, tested_share),
    }


def _backtests(folds: Mapping[str, Json]) -> Json | None:
    """Figures of the model's backtests and the naive rule's, over folds of one stretch of time."""
    traded = [one for one in folds.values() if one["backtest"]]
    if not traded:
        return None
    rival = traded[0]["rival"]
    return {
        "rival": rival,
        "model": _spread([one["backtest"] for one in traded]),
        "naive": _spread([one["backtest"][rival] for one in traded]),
    }
