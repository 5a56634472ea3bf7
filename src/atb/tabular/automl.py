"""The best of several learners with the best of many settings, on validation windows.

Optuna finds it (Akiba et al. 2019), by the sampler of Bergstra et al. 2011. Knows learners by their
`solve`, no market.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import keras
import numpy as np

from atb.config.spec import Spec
from atb.config.tabular import Advanced, Automl, Basic, Boosted, Enhanced
from atb.errors import DataError, ResourceError
from atb.extras import require
from atb.tabular.answers import BATCH
from atb.tabular.part import Lesson, Part
from atb.tabular.raw import loss

TREES = 100  # random ones: more hardly change the mean, and take their time in every trial


def solve(spec: Automl, lesson: Lesson) -> Part:
    """The learner and settings with the smallest loss on validation windows.

    Raises:
        ConfigError: when Optuna is not installed.
    """
    optuna = require("optuna", extra="tune")
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def objective(trial: Any) -> float:
        return _loss(_solved(_chosen(trial), lesson), lesson)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=lesson.seed))
    study.enqueue_trial({"architecture": "basic", "strength": 0.1})
    study.optimize(objective, n_trials=spec.trials, catch=(DataError, ResourceError))
    chosen = _chosen(optuna.trial.FixedTrial(study.best_params))
    best = _solved(chosen, lesson)
    return Part(
        estimators=best.estimators,
        raw=best.raw,
        reason=f"{chosen.architecture} has the smallest validation loss of {spec.trials} trials: "
        f"{best.reason}",
        parameters=best.parameters,
    )


def _basic(trial: Any) -> Basic:
    return Basic(strengths=(trial.suggest_float("strength", 1e-4, 1e2, log=True),))


def _settings(trial: Any) -> Mapping[str, Any]:
    """Of boosted trees."""
    return {
        "leaves": trial.suggest_int("leaves", 2, 64, log=True),
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.2, log=True),
        "smallest_leaf": trial.suggest_int("smallest_leaf", 20, 500, log=True),
        "penalty": trial.suggest_float("penalty", 1e-2, 1e2, log=True),
    }


def _enhanced(trial: Any) -> Enhanced:
    return Enhanced(**_settings(trial))


def _advanced(trial: Any) -> Advanced:
    leaves = trial.suggest_int("random_leaves", 2, 64, log=True)
    return Advanced(trees=TREES, leaves=leaves, boosted=Boosted(**_settings(trial)))


TRIED = {"basic": _basic, "enhanced": _enhanced, "advanced": _advanced}


def _chosen(trial: Any) -> Any:
    """The spec that a trial proposes."""
    return TRIED[trial.suggest_categorical("architecture", list(TRIED))](trial)


def _solved(spec: Spec, lesson: Lesson) -> Part:
    part: Part = import_module(f"atb.tabular.{spec.architecture}").solve(spec, lesson)  # type: ignore[attr-defined]
    return part


def _loss(part: Part, lesson: Lesson) -> float:
    """On validation windows, of what would be served."""
    windows = keras.Input((lesson.validation.windows.shape[1],))
    model = keras.Model(windows, part.raw(windows))
    said = model.predict(lesson.validation.windows, batch_size=BATCH, verbose=0)
    return loss(np.asarray(said, np.float64), lesson.validation, lesson.classes)
