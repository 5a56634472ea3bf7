"""Boosted trees over histograms (Friedman 2001; Ke et al. 2017).

Validation windows stop them early. Knows flattened windows, no market.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from atb.config.tabular import Boosted, Enhanced
from atb.tabular.onnx import estimated
from atb.tabular.part import Lesson, Part


def solve(spec: Enhanced, lesson: Lesson) -> Part:
    """As many trees as have the smallest loss on validation windows."""
    trees = boosted(spec, lesson)
    return Part(
        estimators={"boosted": trees},
        raw=partial(estimated, trees),
        reason=f"{trees.n_iter_} of at most {spec.trees} trees have the smallest validation loss",
        parameters=leaves(trees),
    )


def boosted(spec: Boosted, lesson: Lesson, **how: Any) -> Any:
    """Boosted trees fitted to train windows, as many as validation windows ask for.

    Args:
        spec: how they are grown.
        lesson: what they learn from.
        how: of scikit-learn's regressor, what else it is told, such as another loss.
    """
    of_quantity = lesson.classes == 1
    make = HistGradientBoostingRegressor if of_quantity else HistGradientBoostingClassifier
    given = make(
        learning_rate=spec.learning_rate,
        max_leaf_nodes=spec.leaves,
        min_samples_leaf=spec.smallest_leaf,
        l2_regularization=spec.penalty,
        max_iter=spec.trees,
        n_iter_no_change=spec.patience,
        tol=0.0,
        early_stopping=True,
        random_state=lesson.seed,
        **how,
    )
    train, validation = lesson.train, lesson.validation
    given.fit(
        train.windows,
        train.actual,
        X_val=validation.windows,
        y_val=validation.actual,
    )
    best = max(1, int(np.argmax(given.validation_score_)))  # the first is of no tree at all
    given.set_params(max_iter=best, early_stopping=False)
    return given.fit(train.windows, train.actual)  # the same trees, without those beyond the best


def leaves(trees: Any) -> int:
    """Leaves of boosted trees, each with an answer of its own."""
    steps = trees._predictors
    return sum(int(tree.get_n_leaf_nodes()) for step in steps for tree in step)
