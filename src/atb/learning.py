"""From a recipe to what it learned: rows prepared, a learner chosen by its spec, calibration.

Knows train and validation rows; test rows are predicted in `judging.py`, and nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from atb.calibration import Calibration
from atb.clock import parse_time
from atb.config.architectures import Ensemble
from atb.config.book_architectures import Linear
from atb.config.features import lookback
from atb.config.tabular import AnyTabular
from atb.dataset.build import Dataset, build
from atb.dataset.learner import Fitted, Learner
from atb.evaluation import calibration
from atb.events import Stopwatch
from atb.features import stored
from atb.runs import Recipe
from atb.tabular.ensemble import EnsembleLearner
from atb.tabular.fit import TabularLearner
from atb.tabular.linear import LinearLearner
from atb.targets.labels import Labels
from atb.training import warm_start
from atb.training.fit import NetworkLearner
from atb.workspace import Workspace


@dataclass(frozen=True)
class Learned:
    """What a recipe came to before anything was judged; test rows are still untouched."""

    dataset: Dataset
    fitted: Fitted
    calibration: Calibration

    def served(self, raw: Any) -> Any:
        """Raw outputs `[M, K * L]` as `Dataset.served` gives them, calibrated."""
        taught = self.calibration
        return taught.applied(self.dataset.served(taught.logits(raw)))


def learn(
    recipe: Recipe, labels: Labels, workspace: Workspace, checkpoints: Path, watch: Stopwatch
) -> Learned:
    """Fit on train windows, stop and choose on validation windows; nothing is judged or kept.

    Args:
        recipe: what is learned, from which history.
        labels: of every row of it.
        workspace: where the model lies whose weights it may begin with.
        checkpoints: folder of the training's checkpoints; what lies there is taken up.
        watch: told of stages and epochs.
    """
    dataset = prepare(recipe, labels, workspace, watch)
    with watch.stage("training"):
        learner = _learner(recipe, labels, dataset, workspace, checkpoints, watch)
        fitted = learner.fit(dataset)
    with watch.stage("calibration"):
        return calibrated(recipe, dataset, fitted)


def calibrated(recipe: Recipe, dataset: Dataset, fitted: Fitted) -> Learned:
    """What was fitted, with what its validation rows teach about how sure it may be."""
    rows, labels = dataset.split.validation, dataset.labels
    raw = fitted.predict(rows)
    found = calibration.fit(
        recipe.config.calibration, raw, dataset.served(raw), labels.value[rows], labels.classes
    )
    return Learned(dataset, fitted, found)


def prepare(recipe: Recipe, labels: Labels, workspace: Workspace, watch: Stopwatch) -> Dataset:
    """The dataset of a recipe, its scaling fitted on train rows."""
    config, history = recipe.config, recipe.history
    with watch.stage("features"):
        matrix = stored.matrix(workspace, config.features, history)
    with watch.stage("dataset"):
        segments = history.segments(config.dataset.max_gap)
        before = lookback(config.features)
        return build(matrix, labels, segments, config.window, before, config.dataset)


def _learner(
    recipe: Recipe,
    labels: Labels,
    dataset: Dataset,
    workspace: Workspace,
    checkpoints: Path,
    watch: Stopwatch,
) -> Learner:
    """What the model of a recipe learns by."""
    config = recipe.config
    if isinstance(config.model, Linear):
        return LinearLearner(config.model, config.target)
    if isinstance(config.model, AnyTabular):
        return TabularLearner(
            config.model, config.target, config.training.seed, config.dataset.embargo
        )
    if isinstance(config.model, Ensemble):
        return _joining(config.model, recipe, labels, workspace, checkpoints, watch)
    return NetworkLearner(
        config.model,
        config.target,
        config.training,
        checkpoints,
        _initial(recipe, dataset, workspace),
        watch.listen,
    )


def _joining(
    spec: Ensemble,
    recipe: Recipe,
    labels: Labels,
    workspace: Workspace,
    checkpoints: Path,
    watch: Stopwatch,
) -> EnsembleLearner:
    """What an ensemble learns by: each member in checkpoints of its own, in each fold likewise.

    Raises:
        ConfigError: when its recipe has folds within a fold.
    """
    config = recipe.config
    config.parts()  # all of them, so that one is refused before any is trained

    def member(name: str, number: int | None) -> Learner:
        part = config.of_member(name, number)
        place = checkpoints / part.name
        return NetworkLearner(part.model, part.target, part.training, place, listen=watch.listen)

    def fold(number: int) -> Dataset:
        part = config.of_member(spec.members[0].name, number)
        return prepare(replace(recipe, config=part), labels, workspace, Stopwatch())

    return EnsembleLearner(spec, config.target, member, fold, watch.listen)


def _initial(
    recipe: Recipe, dataset: Dataset, workspace: Workspace
) -> Callable[[Any], None] | None:
    """What gives a network the weights it begins with; None where chance does."""
    reference = recipe.config.warm_start
    if reference is None:
        return None
    learned_until = parse_time(recipe.notes["warm_start"]["learned_until"])
    warm_start.require_unseen(learned_until, recipe.history, dataset)
    return partial(warm_start.give, workspace, reference)
