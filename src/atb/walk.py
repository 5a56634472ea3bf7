"""The walk from candles and labels to a registered model, one hop a line.

It knows the order of the hops and nothing of what they do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from atb import atomic
from atb.backtest.hooks import Hook
from atb.backtest.predictions import Predictions
from atb.clock import parse_time
from atb.config.features import lookback
from atb.config.training import TrainingConfig
from atb.dataset.build import Dataset, build
from atb.dataset.learner import Fitted
from atb.evaluation.metric import Evidence
from atb.evaluation.verdict import Verdict, judge
from atb.events import Stopwatch
from atb.export import onnx, parity
from atb.export.graph import serving_model
from atb.features.layer import compute
from atb.market.candles import Candles
from atb.registry import store
from atb.report import artifact, record
from atb.runs import Recipe, Run
from atb.targets.labels import Labels
from atb.training import warm_start
from atb.training.fit import NetworkLearner


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
    """Learn from good candles, judge, export and register; an error leaves nothing registered."""
    config, candles = recipe.config, recipe.candles
    with watch.stage("features"):
        matrix = compute(config.features, candles)
    with watch.stage("dataset"):
        segments = candles.segments(config.dataset.max_gap)
        before = lookback(config.features)
        dataset = build(matrix, labels, segments, config.window, before, config.dataset)
    with watch.stage("training"):
        learner = NetworkLearner(
            config.model,
            config.target,
            config.training,
            run.checkpoints,
            _initial(run, recipe, dataset),
            watch.listen,
        )
        fitted = learner.fit(dataset)
    with watch.stage("evaluation"):
        test = dataset.split.test
        served = dataset.served(fitted.predict(test))  # the only time test rows are predicted
        verdicts = _verdicts(config, candles, dataset, served)
        predictions = Predictions(test, served[:, 0], config.target.output)
        backtest = hook(predictions, candles, config.trading)
    with atomic.scratch(run.path / "export") as folder:
        graph = folder / "model.onnx"
        with watch.stage("export"):
            serving = _serving(config, dataset, fitted)
            onnx.export(serving, graph, record.properties(run.name, config, candles))
            rows = config.window + before
            windows = parity.sample(candles.matrix(), dataset.split.ends, rows)
            agreement = parity.check(serving, graph, windows)
        with watch.stage("save"):
            made = record.Run(
                version=run.name,
                config=config,
                candles=candles,
                dataset=dataset,
                fitted=fitted,
                served=served,
                predictions=predictions,
                verdicts=verdicts,
                backtest=backtest,
                parity=agreement,
                notes=recipe.notes,
            )
            files = artifact.files(made, serving, graph, watch.seconds)
            kept = store.add(run.workspace, config.symbol, config.name, run.name, files)
    summary = record.summary(made, kept.path, watch.total())
    return TrainingResult(kept.version, kept.path, kept.onnx, summary)


def _initial(run: Run, recipe: Recipe, dataset: Dataset) -> Callable[[Any], None] | None:
    """What gives a network the weights it begins with; None where chance does."""
    reference = recipe.config.warm_start
    if reference is None:
        return None
    learned_until = parse_time(recipe.notes["warm_start"]["learned_until"])
    warm_start.require_unseen(learned_until, recipe.candles, dataset)
    return partial(warm_start.give, run.workspace, reference)


def _verdicts(
    config: TrainingConfig, candles: Candles, dataset: Dataset, served: Any
) -> dict[int, Verdict]:
    """The verdict on each horizon's predictions for test rows."""
    split, target = dataset.split, config.target
    verdicts = {}
    for column, horizon in enumerate(target.horizons):
        labels = dataset.labels.value[:, column]
        evidence = Evidence(candles.close, labels, split.train, split.test, horizon)
        scale, seed = float(dataset.target_scale[column]), config.training.seed
        verdicts[horizon] = judge(target.output, served[:, column], evidence, scale, seed)
    return verdicts


def _serving(config: TrainingConfig, dataset: Dataset, fitted: Fitted) -> Any:
    return serving_model(
        fitted.model,
        features=config.features,
        window=config.window,
        scaling=dataset.scaling,
        target=config.target,
        target_scale=dataset.target_scale,
        target_offset=dataset.target_offset,
    )
