"""What a study of tuning comes to, as one plain JSON object.

`objective`: what was minimised. `trials`: how many were asked for, and how many ended how. `naive`:
the loss of a constant. `as_it_was`: that of the preset itself, where it was among what was tried.
`best`: the trial with the lowest loss. `ranking`: every trial, the best first. `deviation`: of the
Sharpe ratios per step of complete trials. `overfitting`: of choosing by returns, where there are
folds. `words`: all of it, line by line.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any

import numpy as np

from atb import __version__
from atb.clock import iso, now_ms
from atb.config.judgement import SelectionSpec
from atb.errors import DivergedError
from atb.evaluation.significance import overfitting
from atb.market.history import History
from atb.studies.journal import Trial
from atb.studies.tuning import Tuning

Json = dict[str, Any]

ORDER = ("complete", "pruned", "failed", "running", "waiting")


def of(study: Tuning, history: History, first: Mapping[str, Any]) -> Json:
    """The results of a study whose trials are over.

    Args:
        study: the study.
        history: its rows, to say whose they are.
        first: what the first trial was given of the recipe as it was.

    Raises:
        DivergedError: when no trial came to its end, with the reason of the first.
    """
    trials = study.journal().trials()
    ranked = sorted(trials, key=_rank)
    best = ranked[0]
    if best.loss is None or best.state != "complete":
        raise DivergedError(
            f"none of {len(trials)} trials came to its end; trial {best.number}: "
            f"{best.notes.get('problem', best.state)}",
            where=study.name,
            remedy="search other values, such as lower learning rates",
        )
    complete = [trial for trial in trials if trial.state == "complete"]
    results = {
        "study": study.name,
        "path": str(study.path),
        "created": iso(now_ms()),
        "atb": __version__,
        "symbol": history.symbol,
        "preset": study.config.name,
        "synthetic": history.synthetic,
        "objective": _objective(study),
        "seed": study.config.training.seed,
        "search": dict(study.settings["search"]),
        "trials": {
            "asked": study.trials,
            **{state: sum(trial.state == state for trial in trials) for state in ORDER[:3]},
        },
        "naive": best.notes["naive"],
        "as_it_was": _loss_of_first(study, trials, first),
        "best": _trial(best),
        "deviation": _deviation(complete),
        "overfitting": _overfitting(study, complete),
        "ranking": [_trial(trial) for trial in ranked],
    }
    return {**results, "words": _words(results)}


def selection(results: Json, before: SelectionSpec) -> SelectionSpec:
    """How the best recipe was chosen; trials of a study that made the preset count as well."""
    tried = results["trials"]["asked"] + (before.trials if before.study else 0)
    return SelectionSpec(trials=tried, deviation=results["deviation"], study=results["study"])


def _rank(trial: Trial) -> tuple[int, float, int]:
    loss = math.inf if trial.loss is None else trial.loss
    return ORDER.index(trial.state), loss, trial.number


def _objective(study: Tuning) -> str:
    fold = study.fold
    if fold is None:
        return "validation loss"
    return f"mean validation loss of {fold.count} {fold.scheme} folds before the test part"


def _trial(trial: Trial) -> Json:
    return {
        "trial": trial.number,
        "state": trial.state,
        "loss": trial.loss,
        "steps": trial.steps,
        **{name: trial.notes.get(name) for name in ("epochs", "sharpe", "problem")},
        "values": dict(trial.values),
    }


def _loss_of_first(
    study: Tuning, trials: Sequence[Trial], first: Mapping[str, Any]
) -> float | None:
    """The loss of the recipe as it was, where its values were among those searched."""
    return trials[0].loss if first.keys() == study.search.keys() else None


def _deviation(complete: Sequence[Trial]) -> float | None:
    """Standard deviation of the Sharpe ratios per step; None, for unknown, where none differs."""
    ratios = [trial.notes["sharpe"] for trial in complete]
    return stdev(ratios) if len(set(ratios)) > 1 else None


def _overfitting(study: Tuning, complete: Sequence[Trial]) -> Json | None:
    """What choosing by returns in half of the time is worth in the other half; None if unknown."""
    if study.fold is None or len(complete) < 2:
        return None
    returns = [np.load(study.returns(one.number), allow_pickle=False) for one in complete]
    found = overfitting(np.stack(returns, axis=1))
    return {
        "probability": found.probability,
        "loss": found.loss,
        "trials": len(complete),
        "steps": len(returns[0]),
    }


def _words(results: Json) -> list[str]:
    best, naive = results["best"], results["naive"]
    verb = "below" if best["loss"] < naive else "not below"
    words = [
        f"{results['objective']} {best['loss']:.6f} of trial {best['trial']}: {verb} the "
        f"{naive:.6f} of a constant ({best['loss'] / naive - 1:+.2%})",
        *_beside_the_preset(results),
        f"chosen from {results['trials']['asked']} trials on validation rows; the test part was "
        "not looked at",
    ]
    found = results["overfitting"]
    if found:
        words.append(
            f"probability of backtest overfitting {found['probability']:.0%}: so often the trial "
            f"with the best returns in half of the time is below the median of {found['trials']} "
            "in the other half"
        )
    return words


def _beside_the_preset(results: Json) -> list[str]:
    before, loss = results["as_it_was"], results["best"]["loss"]
    if before is None:
        return []
    if before == loss:
        return ["nothing was better than the preset as it was"]
    return [f"the preset as it was has {before:.6f} ({loss / before - 1:+.2%} from there)"]
