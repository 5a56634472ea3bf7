"""Everything a recipe takes from a history, audited: features, labels, split, scaler and windows.

Knows the hops between a history and a dataset and their order; importing it imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import get_args

import numpy as np

from atb.audit import alignment, partition, shipped, targets
from atb.audit.alignment import Fault, fault
from atb.audit.lookahead import BARS, Bool, differing
from atb.audit.report import Audit
from atb.config.features import lookback
from atb.config.folds import FoldSpec, Scheme
from atb.config.training import TrainingConfig
from atb.dataset import build, folds
from atb.dataset.build import Dataset
from atb.dataset.windows import Windows
from atb.features.layer import compute
from atb.market.history import History
from atb.targets.build import build as labels_of
from atb.targets.labels import Labels

SPLITS = 3  # groups of the folds that are looked at
SHOWN = 64  # windows whose rows are looked at
CHECKS = (*alignment.CHECKS, "folds", *partition.CHECKS, "windows")


def audit(config: TrainingConfig, history: History, bars: int = BARS) -> Audit:
    """Audit one recipe on a history of its market.

    Args:
        config: the recipe; its data are not asked for.
        history: N rows, enough for its three parts and for three folds.
        bars: rows of the features and labels that are cut at.

    Raises:
        DataError: when the rows are too few.
    """
    reach, embargo = lookback(config.features), config.dataset.embargo
    faults = (
        *targets.audit(config.target, history, bars, config.dataset.max_gap).faults,
        *_folds(config, history),
        *partition.examine(partial(dataset_of, config), history, reach, embargo),
        *_windows(config, dataset_of(config, history), history),
    )
    findings = shipped.audit(config.features, history, bars).findings
    return Audit("preset", config.name, len(history), findings, CHECKS, faults)


def dataset_of(config: TrainingConfig, history: History) -> Dataset:
    """The dataset of a recipe, as a training makes it."""
    matrix, segments = compute(config.features, history), history.segments(config.dataset.max_gap)
    before, labels = lookback(config.features), _labels(config, history)
    return build.build(matrix, labels, segments, config.window, before, config.dataset)


def _labels(config: TrainingConfig, history: History) -> Labels:
    return labels_of(config.target, history, config.dataset.max_gap)


def _folds(config: TrainingConfig, history: History) -> Iterator[Fault]:
    """The folds that a cross-validation of the recipe would have, of every scheme."""
    labels, spec = _labels(config, history), config.dataset
    ends, _ = build.usable_ends(
        compute(config.features, history),
        labels,
        history.segments(spec.max_gap),
        config.window,
        lookback(config.features),
        spec.first_end,
    )
    for scheme in get_args(Scheme):
        first = FoldSpec(scheme=scheme, splits=SPLITS)
        for number in range(first.count):
            fold = first.model_copy(update={"number": number})
            split = folds.split(ends, labels.known_at[ends], spec.model_copy(update={"fold": fold}))
            for found in partition.split_faults(split, labels.known_at, history, spec.embargo):
                what = f"{found.what}, in fold {number + 1} of {scheme}"
                yield replace(found, check="folds", what=what)


def _windows(config: TrainingConfig, dataset: Dataset, history: History) -> Iterator[Fault]:
    """The network is shown the features of rows up to its window's end, and their label."""
    scaled = dataset.scaling.apply(compute(config.features, history))
    other: Bool = np.any(differing(scaled, dataset.matrix, 0.0), axis=1)
    yield from fault("windows", history, other, "the rows shown are not the scaled features")
    windows = Windows(dataset.matrix, dataset.target, dataset.window)
    ends = dataset.split.ends
    ends = ends[np.linspace(0, len(ends) - 1, SHOWN).astype(int)]
    ((shown, target),) = windows.in_order(ends, len(ends)).as_numpy_iterator()
    wrong = np.zeros(len(history), bool)
    for end, rows, label in zip(ends, shown, target, strict=True):
        right = dataset.matrix[end - dataset.window + 1 : end + 1]
        wrong[end] = not (
            np.array_equal(rows, right) and np.array_equal(label, dataset.target[end])
        )
    yield from fault("windows", history, wrong, "a window shows other rows, or another label")
