"""The walk from a history and labels to a registered model, one hop a line.

It knows the order of the hops and nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from atb import atomic
from atb.backtest.hooks import Hook
from atb.backtest.predictions import Predictions
from atb.backtest.result import Result
from atb.calibration import Calibration
from atb.clock import parse_time
from atb.config.architectures import Ensemble
from atb.config.book_architectures import Linear
from atb.config.features import lookback
from atb.config.training import TrainingConfig
from atb.dataset.build import Dataset, build
from atb.dataset.learner import Fitted, Learner
from atb.evaluation import calibration, profit, reliability
from atb.evaluation.metric import Evidence
from atb.evaluation.profit import Earned
from atb.evaluation.reliability import Coverage, Reliability
from atb.evaluation.verdict import Verdict, judge
from atb.events import Stopwatch
from atb.export import onnx, parity
from atb.export.graph import calibrated, serving_model
from atb.features.layer import compute
from atb.market.history import History
from atb.registry import store
from atb.report import artifact, record
from atb.runs import Recipe, Run
from atb.tabular import linear
from atb.tabular.ensemble import EnsembleLearner
from atb.tabular.linear import LinearLearner
from atb.targets.labels import Labels
from atb.training import warm_start
from atb.training.fit import NetworkLearner
from atb.workspace import Workspace


@dataclass(frozen=True)
class TrainingResult:
    """A registered model.

    Attributes:
        version: the version's name, unique within its symbol and preset.
        path: the model's folder.
        onnx: the serving graph in it.
        summary: everything worth knowing, ready for JSON.
    """

    version: str
    path: Path
    onnx: Path
    summary: dict[str, Any]


def walk(run: Run, recipe: Recipe, labels: Labels, hook: Hook, watch: Stopwatch) -> TrainingResult:
    """Learn from good data, judge, export and register; an error leaves nothing registered."""
    learned = learn(recipe, labels, run.workspace, run.checkpoints, watch)
    return _conclude(run, recipe, learned, hook, watch)


@dataclass(frozen=True)
class Learned:
    """What a recipe came to before anything was judged; test rows are still untouched."""

    dataset: Dataset
    fitted: Fitted
    calibration: Calibration


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
    dataset = prepare(recipe, labels, watch)
    with watch.stage("training"):
        learner = _learner(recipe, labels, dataset, workspace, checkpoints, watch)
        fitted = learner.fit(dataset)
    with watch.stage("calibration"):
        return _calibrated(recipe, dataset, fitted)


def _calibrated(recipe: Recipe, dataset: Dataset, fitted: Fitted) -> Learned:
    """What was fitted, with what its validation rows teach about how sure it may be."""
    rows, labels = dataset.split.validation, dataset.labels
    raw = fitted.predict(rows)
    found = calibration.fit(
        recipe.config.calibration, raw, dataset.served(raw), labels.value[rows], labels.classes
    )
    return Learned(dataset, fitted, found)


@dataclass(frozen=True)
class Judged:
    """What a model said of test rows, how good that is, and what it would have earned.

    Attributes:
        served: `[M, K]` or `[M, K, 3]` predictions of every horizon for test rows.
        predictions: those of the horizon that is traded.
        verdicts: by horizon.
        calibrations: what test rows say of them, by horizon.
        backtest: of `predictions`.
        earned: how sure its profit is.
    """

    served: Any
    predictions: Predictions
    verdicts: dict[int, Verdict]
    calibrations: dict[int, Reliability | Coverage]
    backtest: Result
    earned: Earned


def judged(recipe: Recipe, learned: Learned, hook: Hook) -> Judged:
    """Predict the test rows, the only time that is done, and judge it."""
    config, history, dataset = recipe.config, recipe.history, learned.dataset
    test, taught, first = dataset.split.test, learned.calibration, config.target.horizons[0]
    raw = learned.fitted.predict(test)
    plain, served = dataset.served(raw), taught.applied(dataset.served(taught.logits(raw)))
    predictions = Predictions(test, served[:, 0], config.target.output)
    backtest = hook(predictions, history, config.trading.over(first))
    return Judged(
        served,
        predictions,
        verdicts=_verdicts(config, history, dataset, served),
        calibrations={
            horizon: reliability.measured(
                taught, k, served[:, k], plain[:, k], dataset.labels.value[test, k]
            )
            for k, horizon in enumerate(config.target.horizons)
        },
        backtest=backtest,
        earned=profit.earned(backtest, config.selection, first, config.training.seed),
    )


def walk_together(
    runs: Sequence[Run], recipes: Sequence[Recipe], labels: Labels, hook: Hook, watch: Stopwatch
) -> list[TrainingResult]:
    """The same for straight lines that differ in their penalty only, fitted side by side."""
    dataset = prepare(recipes[0], labels, watch)
    first = recipes[0].config
    specs = {run.name: _line(recipe) for run, recipe in zip(runs, recipes, strict=True)}
    with watch.stage("training"):
        fitted = linear.fit_all(specs, dataset, first.target)
    return [
        _conclude(run, recipe, _calibrated(recipe, dataset, fitted[run.name]), hook, watch)
        for run, recipe in zip(runs, recipes, strict=True)
    ]


def prepare(recipe: Recipe, labels: Labels, watch: Stopwatch) -> Dataset:
    """The dataset of a recipe, its scaling fitted on train rows."""
    config, history = recipe.config, recipe.history
    with watch.stage("features"):
        matrix = compute(config.features, history)
    with watch.stage("dataset"):
        segments = history.segments(config.dataset.max_gap)
        before = lookback(config.features)
        return build(matrix, labels, segments, config.window, before, config.dataset)


def _line(recipe: Recipe) -> Linear:
    if not isinstance(recipe.config.model, Linear):
        raise ValueError(f"{recipe.config.name} is no straight line")
    return recipe.config.model


def _learner(
    recipe: Recipe,
    labels: Labels,
    dataset: Dataset,
    workspace: Workspace,
    checkpoints: Path,
    watch: Stopwatch,
) -> Learner:
    """What the network of a recipe learns by."""
    config = recipe.config
    if isinstance(config.model, Linear):
        return LinearLearner(config.model, config.target)
    if isinstance(config.model, Ensemble):
        return _joining(config.model, recipe, labels, checkpoints, watch)
    return NetworkLearner(
        config.model,
        config.target,
        config.training,
        checkpoints,
        _initial(recipe, dataset, workspace),
        watch.listen,
    )


def _joining(
    spec: Ensemble, recipe: Recipe, labels: Labels, checkpoints: Path, watch: Stopwatch
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
        return prepare(replace(recipe, config=part), labels, Stopwatch())

    return EnsembleLearner(spec, config.target, member, fold, watch.listen)


def _conclude(
    run: Run, recipe: Recipe, learned: Learned, hook: Hook, watch: Stopwatch
) -> TrainingResult:
    """Judge what was learned, export it and register it."""
    config, history = recipe.config, recipe.history
    dataset, fitted = learned.dataset, learned.fitted
    with watch.stage("evaluation"):
        found = judged(recipe, learned, hook)
    with atomic.scratch(run.path / "export") as folder:
        graph = folder / "model.onnx"
        with watch.stage("export"):
            serving = _serving(config, history, learned)
            onnx.export(serving, graph, record.properties(run.name, config, history))
            windows = parity.sample(history.matrix(), dataset.split.ends, config.reach)
            agreement = parity.check(serving, graph, windows)
        with watch.stage("save"):
            made = record.Run(
                version=run.name,
                config=config,
                history=history,
                dataset=dataset,
                fitted=fitted,
                served=found.served,
                predictions=found.predictions,
                verdicts=found.verdicts,
                calibrations=found.calibrations,
                backtest=found.backtest,
                earned=found.earned,
                parity=agreement,
                notes=recipe.notes,
            )
            files = artifact.files(made, serving, graph, watch.seconds)
            kept = store.add(run.workspace, config.symbol, config.name, run.name, files)
    summary = record.summary(made, kept.path, watch.total())
    return TrainingResult(kept.version, kept.path, kept.onnx, summary)


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


def _verdicts(
    config: TrainingConfig, history: History, dataset: Dataset, served: Any
) -> dict[int, Verdict]:
    """The verdict on each horizon's predictions for test rows."""
    split, target = dataset.split, config.target
    verdicts = {}
    for column, horizon in enumerate(target.horizons):
        labels = dataset.labels.value[:, column]
        evidence = Evidence(history.price, labels, split.train, split.test, horizon)
        scale, seed = float(dataset.target_scale[column]), config.training.seed
        predicted, trials = served[:, column], config.selection.trials
        verdicts[horizon] = judge(target.output, predicted, evidence, scale, seed, trials)
    return verdicts


def _serving(config: TrainingConfig, history: History, learned: Learned) -> Any:
    dataset = learned.dataset
    serving = serving_model(
        learned.fitted.model,
        features=config.features,
        columns=len(history.columns),
        window=config.window,
        scaling=dataset.scaling,
        target=config.target,
        target_scale=dataset.target_scale,
        target_offset=dataset.target_offset,
    )
    return calibrated(serving, config.target, learned.calibration)
