"""The walk from candles to a registered model, one hop a line.

It knows the order of the hops and nothing of what they do.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb import backend
from atb.backtest import hooks
from atb.backtest.predictions import Predictions
from atb.clock import now_ms, stamp
from atb.config.features import lookback
from atb.config.training import TrainingConfig
from atb.dataset.build import require_rows
from atb.events import Listener, Stopwatch, silent
from atb.market.candles import Candles
from atb.market.load import load
from atb.targets import build as targets
from atb.targets.labels import Labels
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


def train_model(
    config: TrainingConfig, *, artifacts: Path | str = "artifacts", listen: Listener = silent
) -> TrainingResult:
    """Train, judge, export and register one model.

    Args:
        config: the whole recipe.
        artifacts: root folder of everything written.
        listen: told of stages, epochs and warnings as they happen.

    Raises:
        AtbError: of the kind that says what went wrong; nothing is registered then.
    """
    workspace = Workspace(Path(artifacts))
    workspace.require_writable()
    hook = hooks.find(config.trading.hook)
    watch = Stopwatch(listen)
    with watch.stage("data"):
        candles = load(config.symbol, config.data, workspace, listen)
        labels = targets.build(config.target, candles, config.dataset.max_gap)
        reach = config.window + lookback(config.features)
        require_rows(len(candles), reach, config.target.horizon, candles.source)
    with watch.stage("startup"):
        backend.prepare(config.training.seed)
    return _learn(config, candles, labels, hook, workspace, watch)


def _learn(
    config: TrainingConfig,
    candles: Candles,
    labels: Labels,
    hook: hooks.Hook,
    workspace: Workspace,
    watch: Stopwatch,
) -> TrainingResult:
    # Imported here because TensorFlow is ready only now: bad data is answered without waiting.
    from atb.dataset.build import build as build_dataset
    from atb.evaluation.metric import Outcome
    from atb.evaluation.verdict import judge
    from atb.export import onnx, parity
    from atb.export.graph import serving_model
    from atb.features.layer import compute
    from atb.registry import store
    from atb.report import artifact, record
    from atb.training.fit import NetworkLearner

    with watch.stage("features"):
        matrix = compute(config.features, candles)
    with watch.stage("dataset"):
        segments = candles.segments(config.dataset.max_gap)
        reach = config.window + lookback(config.features)
        dataset = build_dataset(
            matrix, labels, segments, config.window, lookback(config.features), config.dataset
        )
    with watch.stage("training"):
        learner = NetworkLearner(config.model, config.target, config.training, watch.listen)
        fitted = learner.fit(dataset)
    with watch.stage("evaluation"):
        split, target = dataset.split, config.target
        predictions = Predictions(
            split.test, dataset.served(fitted.predict(split.test)), target.output
        )
        verdict = judge(
            target.output,
            Outcome(
                predictions.value,
                labels.value[split.test],
                candles.close[split.test],
                dataset.target_scale,
            ),
            labels.value[split.train],
            target.horizon,
            config.training.seed,
        )
        backtest = hook(predictions, candles, config.trading)
    version = f"{stamp(now_ms())}-{config.sha256()[:8]}"
    with tempfile.TemporaryDirectory() as folder:
        with watch.stage("export"):
            serving = serving_model(
                fitted.model,
                features=config.features,
                window=config.window,
                scaling=dataset.scaling,
                target=config.target,
                target_scale=dataset.target_scale,
                target_offset=dataset.target_offset,
            )
            graph = Path(folder) / "model.onnx"
            onnx.export(serving, graph, record.properties(version, config, candles))
            checked = parity.check(
                serving, graph, parity.sample(candles.matrix(), split.test, reach)
            )
        with watch.stage("save"):
            run = record.Run(
                version, config, candles, dataset, fitted, predictions, verdict, backtest, checked
            )
            kept = store.add(
                workspace,
                config.symbol,
                config.name,
                version,
                artifact.files(run, serving, graph, watch.seconds),
            )
    return TrainingResult(
        kept.version,
        kept.path,
        kept.path / "model.onnx",
        record.summary(run, kept.path, watch.total()),
    )
