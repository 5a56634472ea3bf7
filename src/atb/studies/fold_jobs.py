"""What the process of a fold does: learn, predict the test windows, judge, write both down.

Begins where an earlier one stopped. How one is learned is `atb.pipeline`'s business.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from atb import atomic, pipeline
from atb.backtest import hooks
from atb.clock import iso
from atb.config.folds import FoldSpec
from atb.dataset import folds
from atb.events import Listener, Stopwatch
from atb.runs import Recipe
from atb.studies import out_of_fold
from atb.studies.folded import Folded

if TYPE_CHECKING:  # these would bring TensorFlow and scikit-learn into memory
    from atb.dataset.learner import Fitted
    from atb.judging import Judged
    from atb.learning import Learned


def learn_fold(study: Folded, member: str, listen: Listener) -> None:
    """Learn one fold and judge it on its test windows.

    Raises:
        AtbError: as `pipeline.train_model` does.
    """
    recipe = Recipe(study.members[member], study.history(), {})
    watch = Stopwatch(listen)
    learned = pipeline.learn(recipe, study.workspace, study.checkpoints(member), watch.listen)
    seconds = watch.total()["total"]
    from atb.judging import judged  # not earlier: it imports TensorFlow

    with watch.stage("evaluation"):
        found = judged(recipe, learned, hooks.find(recipe.config.trading))
    rows, labels = found.predictions.rows, learned.dataset.labels
    out_of_fold.keep(study, member, rows, found.served, labels.value[rows])
    figures = _figures(recipe, learned, found) | {"seconds": seconds}
    atomic.write_json(study.judged(member), figures)  # last: with it the fold is done
    shutil.rmtree(study.checkpoints(member), ignore_errors=True)  # a straight line has none


def _figures(recipe: Recipe, learned: Learned, found: Judged) -> dict[str, Any]:
    """How a fold was learned and how good it is, JSON-ready."""
    groups = folds.under_test(recipe.config.dataset.fold or FoldSpec())
    parts = vars(learned.dataset.split)
    times = {name: recipe.history.time[ends[[0, -1]]].tolist() for name, ends in parts.items()}
    return {
        "groups": [group + 1 for group in groups],
        "windows": {name: len(ends) for name, ends in parts.items()},
        "periods": {name: [iso(time) for time in span] for name, span in times.items()},
        "dropped": learned.dataset.dropped,
        "training": _training(learned.fitted),
        "horizons": {str(h): verdict.to_json() for h, verdict in found.verdicts.items()},
        "calibration": {str(h): one.to_json() for h, one in found.calibrations.items()},
        # groups apart cannot be traded as one: their paths can
        "backtest": found.backtest.to_json() if len(groups) == 1 else None,
        "rival": found.backtest.rival,
    }


def _training(fitted: Fitted) -> dict[str, Any]:
    return {
        "epochs": len(fitted.history),
        "best_epoch": fitted.best_epoch,
        "reason": fitted.reason,
        "validation_loss": fitted.history[fitted.best_epoch - 1].validation_loss,
        "parameters": fitted.parameters,
    }
