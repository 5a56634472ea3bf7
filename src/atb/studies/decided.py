"""Straight lines judged as decisions, by the classes that networks decide between.

The moves a line predicts are cut into down, flat and up where, on train rows, as many of them lie
as labels do. Needs TensorFlow for the features; knows nothing of how a line is found.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.config.targets import MidPriceTarget
from atb.config.training import TrainingConfig
from atb.dataset.build import Dataset
from atb.evaluation import cut
from atb.evaluation.metric import Evidence
from atb.evaluation.verdict import judge_decided
from atb.events import Listener, Stopwatch
from atb.extras import require
from atb.learning import prepare
from atb.market.access import load_history
from atb.market.history import History
from atb.registry import integrity, skops_file
from atb.runs import Recipe
from atb.tabular.moments import flattened, in_pieces
from atb.targets.build import build
from atb.workspace import Workspace

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def judged(
    lines: Mapping[str, Path],
    config: TrainingConfig,
    target: MidPriceTarget,
    workspace: Workspace,
    listen: Listener,
) -> dict[str, dict[str, Any]]:
    """The verdict, as plain JSON, on each line's decisions at each horizon.

    Args:
        lines: folders of models that differ in their penalty only, by name.
        config: the recipe of any of them.
        target: the classes; its horizons are those of the lines.
        workspace: where stored books lie.
        listen: told of stages.

    Raises:
        IntegrityError: when a model is not as it was written.
        DataError: when the book cannot be read any more.
    """
    for path in lines.values():
        integrity.verify(path)
    history = load_history(config.symbol, config.data, workspace, listen)
    moves = build(config.target, history, config.dataset.max_gap)
    dataset = prepare(Recipe(config, history, {}), moves, workspace, Stopwatch(listen))
    classes = classes_of(target, config, history, dataset)
    return {
        name: _verdicts(path, config, history, dataset, classes) for name, path in lines.items()
    }


def classes_of(
    target: MidPriceTarget, config: TrainingConfig, history: History, dataset: Dataset
) -> Float64:
    """`[N, K]` classes of every row, balanced on the train rows that have them.

    Args:
        target: the classes; its horizons are not read.
        config: horizons and the longest gap.
        history: the book.
        dataset: says which rows are train rows.
    """
    same = target.model_copy(update={"horizon": config.target.horizons})
    labels = build(same, history, config.dataset.max_gap)
    return labels.settled(_known(labels.value, dataset.split.train)).value


def _known(classes: Float64, rows: Int64) -> Int64:
    """Those rows that have a class at every horizon."""
    known: Int64 = rows[np.isfinite(classes[rows]).all(axis=1)]
    return known


def _verdicts(
    path: Path, config: TrainingConfig, history: History, dataset: Dataset, classes: Float64
) -> dict[str, Any]:
    skops_file.require_plain(path / "model.skops")
    estimator = require("skops.io", extra="train").load(path / "model.skops")
    train, test = (_known(classes, rows) for rows in (dataset.split.train, dataset.split.test))
    learned, predicted = (_predicted(estimator, dataset, rows) for rows in (train, test))
    decided = decisions(learned, classes[train], predicted)
    verdicts = {}
    for column, horizon in enumerate(config.target.horizons):
        evidence = Evidence(history.price, classes[:, column], train, test, horizon)
        verdict = judge_decided(decided[:, column], evidence, config.training.seed)
        verdicts[str(horizon)] = verdict.to_json()
    return verdicts


def decisions(learned: Float64, classes: Float64, predicted: Float64) -> Int64:
    """Predicted moves cut into classes at thresholds that train rows alone decide.

    Args:
        learned: `[T, K]` moves predicted for train rows.
        classes: `[T, K]` their classes.
        predicted: `[M, K]` moves predicted for test rows.

    Returns:
        `[M, K]` int64 classes.
    """
    bounds = [cut.thresholds(*column) for column in zip(learned.T, classes.T, strict=True)]
    columns = [cut.classes(one, *bound) for one, bound in zip(predicted.T, bounds, strict=True)]
    return np.stack(columns, axis=1)


def _predicted(estimator: Any, dataset: Dataset, ends: Int64) -> Float64:
    """`[M, K]` moves in basis points."""
    pieces = [estimator.predict(flattened(dataset, piece)) for piece in in_pieces(ends)]
    return dataset.served(np.concatenate(pieces))
