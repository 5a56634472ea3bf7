"""The walk from a history and labels to a registered model, one hop a line.

It knows the order of the hops and nothing of what they do.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from atb import atomic, event_log
from atb.backtest.hooks import Hook
from atb.config.book_architectures import Linear
from atb.events import Listener, Measured, Stopwatch
from atb.export import onnx, parity, sampling
from atb.export.graph import calibrated as with_calibration
from atb.export.graph import serving_model
from atb.judging import judged
from atb.learning import Learned, calibrated, learn, prepare
from atb.registry import store
from atb.report import artifact, record
from atb.runs import Recipe, Run
from atb.tabular import linear
from atb.targets.labels import Labels


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


def walk_together(
    runs: Sequence[Run],
    recipes: Sequence[Recipe],
    labels: Labels,
    hook: Hook,
    watch: Stopwatch,
    own: Sequence[Listener],
) -> list[TrainingResult]:
    """The same for straight lines that differ in their penalty only, fitted side by side.

    What happens to all of them, `watch` tells; what to one alone, the listener in `own` hears.
    """
    dataset = prepare(recipes[0], labels, runs[0].workspace, watch)
    first = recipes[0].config
    specs = {run.name: _line(recipe) for run, recipe in zip(runs, recipes, strict=True)}
    with watch.stage("training"):
        fitted = linear.fit_all(specs, dataset, first.target)
    results = []
    for run, recipe, listen in zip(runs, recipes, own, strict=True):
        learned = calibrated(recipe, dataset, fitted[run.name])
        alone = replace(watch, listen=listen, seconds={**watch.seconds})
        results.append(_conclude(run, recipe, learned, hook, alone))
    return results


def _line(recipe: Recipe) -> Linear:
    if not isinstance(recipe.config.model, Linear):
        raise ValueError(f"{recipe.config.name} is no straight line")
    return recipe.config.model


def _conclude(
    run: Run, recipe: Recipe, learned: Learned, hook: Hook, watch: Stopwatch
) -> TrainingResult:
    """Judge what was learned, export it and register it."""
    config, history = recipe.config, recipe.history
    dataset, fitted = learned.dataset, learned.fitted
    with watch.stage("evaluation"):
        found = judged(recipe, learned, hook)
    for horizon, verdict in found.verdicts.items():
        watch.listen(Measured(horizon, verdict.metrics, verdict.words))
    with atomic.scratch(run.path / "export") as folder:
        graph = folder / "model.onnx"
        with watch.stage("export"):
            serving = _serving(recipe, learned)
            said = record.properties(run.name, config, history, fitted.quantiles)
            onnx.export(serving, graph, said)
            windows = sampling.sample(history.matrix(), dataset.split.ends, config.reach)
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
                distribution=found.distribution,
                tails=found.tails,
            )
            files = artifact.files(made, serving, graph, watch.seconds)
            files[event_log.NAME] = partial(shutil.copyfile, run.events)
            kept = store.add(run.workspace, config.symbol, config.name, run.name, files)
    summary = record.summary(made, kept.path, watch.total())
    return TrainingResult(kept.version, kept.path, kept.onnx, summary)


def _serving(recipe: Recipe, learned: Learned) -> Any:
    config, history, dataset = recipe.config, recipe.history, learned.dataset
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
    return with_calibration(serving, config.target, learned.calibration)
