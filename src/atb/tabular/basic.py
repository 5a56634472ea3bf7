"""Ridge regression of quantities, logistic regression of classes; validation windows choose how
strong the penalty is.

Knows flattened windows, no market.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from atb.config.tabular import Basic
from atb.tabular.onnx import estimated
from atb.tabular.part import Lesson, Part
from atb.tabular.raw import loss, raw

STEPS = 1_000  # of the logistic regression's solver, at most


def solve(spec: Basic, lesson: Lesson) -> Part:
    """The line whose strength has the smallest loss on validation windows."""
    lines = [line(strength, lesson) for strength in spec.strengths]
    losses = [loss(raw(one, lesson.validation), lesson.validation, lesson.classes) for one in lines]
    best = int(np.argmin(losses))
    tried = ", ".join(f"{strength:g}" for strength in spec.strengths)
    return Part(
        estimators={"line": lines[best]},
        raw=partial(estimated, lines[best]),
        reason=f"strength {spec.strengths[best]:g} has the smallest validation loss of {tried}",
        parameters=int(lines[best].coef_.size + np.size(lines[best].intercept_)),
    )


def line(strength: float, lesson: Lesson) -> Any:
    """A line fitted to train windows.

    Args:
        strength: of the penalty on squares, beside a mean over windows.
        lesson: what it learns from.
    """
    windows, actual = lesson.train.windows.astype(np.float64), lesson.train.actual
    if lesson.classes == 1:
        return Ridge(alpha=strength * len(windows)).fit(windows, actual)
    weight = 1 / (2 * strength * len(windows))  # of the sum of losses beside half the squares
    return LogisticRegression(C=weight, max_iter=STEPS).fit(windows, actual.astype(int))
