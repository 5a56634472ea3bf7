"""The walk from candles and labels to a registered model, one hop a line.

It knows the order of the hops and nothing of what they do.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb import atomic
from atb.backtest.hooks import Hook
from atb.backtest.predictions import Predictions
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
from atb.runs import Run
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


def walk(
    run: Run,
    config: TrainingConfig,
    candles: Candles,
    labels: Labels,
    hook: Hook,
    workspace: Workspace,
    watch: Stopwatch,
) -> TrainingResult:
    """Learn from good candles, judge, export and register; an error leaves nothing registered."""
    with watch.stage("features"):
        matrix = compute(config.features, candles)
    with watch.stage("dataset"):
        segments = candles.segments(config.dataset.max_gap)
        before = lookback(config.features)
        dataset = build(matrix, labels, segments, config.window, before, config.dataset)
    with watch.stage("training"):
        parent = warm_start.parent(workspace, config, candles, dataset)
        initial = parent.give if parent else None
        learner = NetworkLearner(
            config.model, config.target, config.training, run.checkpoints, initial, watch.listen
        )
        fitted = learner.fit(dataset)
    with watch.stage("evaluation"):
        predictions, verdicts = _judge_test(config, candles, dataset, fitted)
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
                predictions=predictions,
                verdicts=verdicts,
                backtest=backtest,
                parity=agreement,
                parent=parent.to_json() if parent else None,
            )
            files = artifact.files(made, serving, graph, watch.seconds)
            kept = store.add(workspace, config.symbol, config.name, run.name, files)
    summary = record.summary(made, kept.path, watch.total())
    return TrainingResult(kept.version, kept.path, kept.onnx, summary)


def _judge_test(
    config: TrainingConfig, candles: Candles, dataset: Dataset, fitted: Fitted
) -> tuple[Predictions, dict[int, Verdict]]:
    """The only time anything is predicted for test rows: what is traded, and all verdicts."""
    split, target = dataset.split, config.target
    served = dataset.served(fitted.predict(split.test))
    verdicts = {}
    for column, horizon in enumerate(target.horizons):
        evidence = Evidence(
            candles.close, dataset.labels.value[:, column], split.train, split.test, horizon
        )
        scale, seed = float(dataset.target_scale[column]), config.training.seed
        verdicts[horizon] = judge(target.output, served[:, column], evidence, scale, seed)
    return Predictions(split.test, served[:, 0], target.output), verdicts


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
