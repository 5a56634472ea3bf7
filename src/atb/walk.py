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
from atb.evaluation.metric import Outcome
from atb.evaluation.verdict import Verdict, judge
from atb.events import Stopwatch
from atb.export import onnx, parity
from atb.export.graph import serving_model
from atb.features.layer import compute
from atb.market.candles import Candles
from atb.registry import store
from atb.registry.version import new_version
from atb.report import artifact, record
from atb.targets.labels import Labels
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
        learner = NetworkLearner(config.model, config.target, config.training, watch.listen)
        fitted = learner.fit(dataset)
    with watch.stage("evaluation"):
        predictions = _predict_test(config, dataset, fitted)
        verdict = _judge_test(config, candles, dataset, predictions)
        backtest = hook(predictions, candles, config.trading)
    version = new_version()
    with atomic.scratch(workspace.runs / version) as folder:
        graph = folder / "model.onnx"
        with watch.stage("export"):
            serving = _serving(config, dataset, fitted)
            onnx.export(serving, graph, record.properties(version, config, candles))
            rows = config.window + before
            windows = parity.sample(candles.matrix(), dataset.split.ends, rows)
            agreement = parity.check(serving, graph, windows)
        with watch.stage("save"):
            run = record.Run(
                version, config, candles, dataset, fitted, predictions, verdict, backtest, agreement
            )
            files = artifact.files(run, serving, graph, watch.seconds)
            kept = store.add(workspace, config.symbol, config.name, version, files)
    summary = record.summary(run, kept.path, watch.total())
    return TrainingResult(kept.version, kept.path, kept.onnx, summary)


def _predict_test(config: TrainingConfig, dataset: Dataset, fitted: Fitted) -> Predictions:
    """The only time anything is predicted for test rows."""
    test = dataset.split.test
    return Predictions(test, dataset.served(fitted.predict(test)), config.target.output)


def _judge_test(
    config: TrainingConfig, candles: Candles, dataset: Dataset, predictions: Predictions
) -> Verdict:
    split, value = dataset.split, dataset.labels.value
    outcome = Outcome(
        predictions.value, value[split.test], candles.close[split.test], dataset.target_scale
    )
    target = config.target
    return judge(target.output, outcome, value[split.train], target.horizon, config.training.seed)


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
