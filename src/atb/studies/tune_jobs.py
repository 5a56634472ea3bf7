"""What the processes of a study do: ask what to try, learn it, say how good it is at each step.

They begin where earlier ones stopped. How one recipe is learned is `atb.pipeline`'s business.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt

from atb import atomic, pipeline, presets
from atb.config.folds import FoldSpec
from atb.config.training import TrainingConfig
from atb.errors import ConfigError, DivergedError, ResourceError
from atb.evaluation.significance import sharpe
from atb.events import EpochEnded, Event, Listener, Noted, Progress, Warned
from atb.extras import require
from atb.runs import Recipe
from atb.studies.folded import recipes_of
from atb.studies.journal import Attempt, PrunedError
from atb.studies.tuning import Tuning, name_of

Float64 = npt.NDArray[np.float64]

TRIALS = "trials"  # the task whose progress is told
BAD_RECIPE = (ConfigError, DivergedError, ResourceError)  # it would end so again


def try_recipes(
    study: Tuning, worker: str, left: Sequence[int], count: int, listen: Listener
) -> None:
    """Try what was left half done, then what nobody has begun; test rows are never predicted.

    Args:
        study: that says what is tried.
        worker: name of this process, kept with each trial.
        left: numbers of trials that an earlier process began.
        count: trials at most; memory comes back when the process ends.
        listen: told of stages, epochs and trials.

    Raises:
        AtbError: for what is no fault of a recipe, such as a full disk; the trial goes on later.
    """
    journal = study.journal()
    running = {one.number for one in journal.trials() if one.state == "running"}
    waiting = [number for number in left if number in running]  # others ended in an attempt before
    for _ in range(count):
        attempt = journal.begin(waiting.pop(0)) if waiting else journal.claim()
        if attempt is None:
            return
        attempt.note(worker=worker)
        with atomic.locked(study.place(name_of(attempt.number)) / ".lock"):
            _try(study, attempt, listen)
        listen(Progress(TRIALS, study.trials - len(study.missing()), study.trials))
        require("keras", extra="train").backend.clear_session()


def _try(study: Tuning, attempt: Attempt, listen: Listener) -> None:
    """One trial, to its end."""
    name = name_of(attempt.number)
    listen(Noted(f"{name}: {presets.said(attempt.values)}"))
    measure = partial(_over_folds, study.fold) if study.fold else _once
    try:
        loss = measure(study, attempt, study.recipe(attempt.values), listen)
    except PrunedError:
        attempt.prune()
        listen(Noted(f"{name}: given up, most were better at this point"))
    except BAD_RECIPE as error:
        attempt.fail(str(error))
        listen(Warned(f"{name}: {error}"))
    else:
        attempt.complete(loss)
        listen(Noted(f"{name}: validation loss {loss:.6f}"))
    shutil.rmtree(_checkpoints(study, attempt), ignore_errors=True)


def _once(study: Tuning, attempt: Attempt, config: TrainingConfig, listen: Listener) -> float:
    """The validation loss of a recipe, reported epoch by epoch."""

    def reporting(event: Event) -> None:
        if isinstance(event, EpochEnded):  # first: whatever a listener does, it is known
            attempt.report(event.epoch, event.validation_loss)
        listen(event)

    recipe = Recipe(config, study.history(), {})
    learned = pipeline.learn(recipe, study.workspace, _checkpoints(study, attempt), reporting)
    from atb.studies import tried  # not earlier: it imports TensorFlow

    earned = tried.returns(recipe, learned, learned.dataset.split.validation)
    _keep(study, attempt, earned, [tried.naive_loss(recipe, learned)], len(learned.fitted.history))
    return tried.validation_loss(learned)


def _over_folds(
    scheme: FoldSpec, study: Tuning, attempt: Attempt, config: TrainingConfig, listen: Listener
) -> float:
    """The mean validation loss of a recipe over folds, reported fold by fold."""
    history, epochs = study.history(), 0
    losses: list[float] = []
    naive: list[float] = []
    earned: list[Float64] = []
    for name, one in recipes_of(config, scheme).items():
        listen(Noted(name))
        recipe = Recipe(one, history, {})
        place = _checkpoints(study, attempt) / name
        learned = pipeline.learn(recipe, study.workspace, place, listen)
        from atb.studies import tried  # not earlier: it imports TensorFlow

        losses.append(tried.validation_loss(learned))
        naive.append(tried.naive_loss(recipe, learned))
        earned.append(tried.returns(recipe, learned, learned.dataset.split.test))
        epochs += len(learned.fitted.history)
        attempt.report(len(losses), fmean(losses))
    _keep(study, attempt, np.concatenate(earned), naive, epochs)
    return fmean(losses)


def _checkpoints(study: Tuning, attempt: Attempt) -> Path:
    return study.place(name_of(attempt.number)) / "checkpoints"


def _keep(
    study: Tuning, attempt: Attempt, earned: Float64, naive: Sequence[float], epochs: int
) -> None:
    """Write down what was found out beside the loss."""
    with atomic.file(study.returns(attempt.number)) as temporary, temporary.open("wb") as stream:
        np.save(stream, earned, allow_pickle=False)
    attempt.note(naive=fmean(naive), epochs=epochs, sharpe=sharpe(earned))
