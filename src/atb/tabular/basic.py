"""Ridge regression of quantities, logistic regression of classes.

Validation windows choose how strong the penalty is. Knows flattened windows, no market.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression, Ridge

from atb.config.tabular import Basic
from atb.tabular.onnx import estimated
from atb.tabular.part import Lesson, Part
from atb.tabular.raw import loss, raw

Float64 = npt.NDArray[np.float64]

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
        parameters=parameters(lines[best]),
    )


def line(strength: float, lesson: Lesson, counting: Float64 | None = None) -> Any:
    """A line fitted to train windows.

    Args:
        strength: of the penalty on squares, beside a mean over windows.
        lesson: what it learns from.
        counting: `[M]` how much each window counts, 1 by default.
    """
    windows, actual = lesson.train.windows.astype(np.float64), lesson.train.actual
    number = len(windows) if counting is None else float(counting.sum())
    if lesson.classes == 1:
        return Ridge(alpha=strength * number).fit(windows, actual, counting)
    weight = 1 / (2 * strength * number)  # of the sum of losses beside half the squares
    logistic = LogisticRegression(C=weight, max_iter=STEPS)
    return logistic.fit(windows, actual.astype(int), counting)


def parameters(line: Any) -> int:
    """Coefficients and intercepts of a fitted line."""
    return int(line.coef_.size + np.size(line.intercept_))
