"""Extremely randomised trees (Geurts et al. 2006) and boosted ones, joined (Wolpert 1992).

The line learns from answers to the last train windows, which the joined had not learned from; then
both are grown again on all of them. Knows flattened windows, no market.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers
from sklearn.ensemble import ExtraTreesRegressor

from atb.config.tabular import Advanced
from atb.dataset.split import before
from atb.errors import DataError
from atb.tabular import stacking
from atb.tabular.enhanced import boosted, leaves
from atb.tabular.onnx import estimated, line
from atb.tabular.part import Lesson, Part, Sample
from atb.tabular.raw import raw

FEWEST = 64  # windows that anything is fitted to
LOOKED_AT = 1 / 3  # of the numbers of a window, drawn for each split


def solve(spec: Advanced, lesson: Lesson) -> Part:
    """Random and boosted trees, and the line that joins their answers.

    Raises:
        DataError: when too few windows are left on either side of the purge, or a class came true
            after none of those held out.
    """
    early, late = divided(lesson.train, spec.held_out, lesson.embargo)
    learned = replace(lesson, train=early)
    answers = np.stack(
        [raw(one, late) for one in (random(spec, learned), boosted(spec.boosted, learned))], axis=1
    )
    kernel, bias = stacking.line(
        answers[:, :, np.newaxis], late.actual[:, np.newaxis], lesson.classes
    )
    members = random(spec, lesson), boosted(spec.boosted, lesson)
    joint = line(kernel.T, bias)
    sizes = sum(tree.tree_.n_leaves for tree in members[0].estimators_), leaves(members[1])
    return Part(
        estimators=dict(zip(("random", "boosted"), members, strict=True)),
        raw=partial(_joined, members=members, joint=joint),
        reason=f"{spec.trees} random and {members[1].n_iter_} boosted trees, joined by a line "
        f"that is fitted to {len(late.ends):,} windows they had not learned from",
        parameters=int(sum(sizes) + kernel.size + bias.size),
    )


def divided(train: Sample, held_out: float, embargo: int) -> tuple[Sample, Sample]:
    """Windows to learn from and the last ones, to ask; purged by when an outcome is known.

    Args:
        train: windows in the order of time.
        held_out: share of the last ones.
        embargo: rows left out beyond the purge.

    Raises:
        DataError: when too few are left on either side.
    """
    cut = round(len(train.ends) * (1 - held_out))
    early = before(train.ends, train.known_at, slice(0, cut), embargo)
    late = np.arange(cut, len(train.ends))
    if min(len(early), len(late)) < FEWEST:
        raise DataError(
            f"{len(train.ends)} train windows leave {len(early)} to learn from and {len(late)} to "
            f"join by, fewer than {FEWEST}",
            remedy="give more data, or another --set model.held_out",
        )
    return train.at(early), train.at(late)


def random(spec: Advanced, lesson: Lesson) -> Any:
    """Random trees fitted to train windows; of three classes they answer with a share of each."""
    actual = lesson.train.actual
    wanted = np.eye(lesson.classes)[actual.astype(int)] if lesson.classes > 2 else actual
    trees = ExtraTreesRegressor(
        spec.trees,
        max_leaf_nodes=spec.leaves,
        min_samples_leaf=spec.smallest_leaf,
        max_features=LOOKED_AT,
        random_state=lesson.seed,
    )
    return trees.fit(lesson.train.windows, wanted)


def _joined(windows: keras.KerasTensor, members: tuple[Any, ...], joint: Any) -> keras.KerasTensor:
    answers = [estimated(one, windows) for one in members]
    return estimated(joint, layers.Concatenate(dtype="float32")(answers))
