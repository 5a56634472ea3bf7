"""A line over the principal components of windows (Stock and Watson 2002).

Validation windows choose how many. Components are lines of the windows themselves, so one line is
left. Knows flattened windows, no market.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from atb.config.tabular import Factor
from atb.tabular.basic import line as fitted
from atb.tabular.onnx import estimated, line
from atb.tabular.part import Lesson, Part
from atb.tabular.raw import loss, raw


def solve(spec: Factor, lesson: Lesson) -> Part:
    """The line over as many components as have the smallest loss on validation windows."""
    most = min(lesson.train.windows.shape)
    numbers = sorted({min(number, most) for number in spec.factors})
    components = PCA(numbers[-1], svd_solver="full").fit(lesson.train.windows.astype(np.float64))
    lines = [fitted(spec.strength, _seen(lesson, components, number)) for number in numbers]
    whole = [_unfolded(components, one) for one in lines]
    losses = [loss(raw(one, lesson.validation), lesson.validation, lesson.classes) for one in whole]
    best = int(np.argmin(losses))
    share = components.explained_variance_ratio_[: numbers[best]].sum()
    return Part(
        estimators={"components": PCA(numbers[best], svd_solver="full"), "line": lines[best]},
        raw=partial(estimated, whole[best]),
        reason=f"{numbers[best]} components, {share:.0%} of the windows' variance, have the "
        f"smallest validation loss of {', '.join(map(str, numbers))}",
        parameters=int(whole[best].coef_.size + whole[best].intercept_.size),
    )


def _seen(lesson: Lesson, components: PCA, number: int) -> Lesson:
    """The same lesson, of which only the first components are seen."""
    seen = components.transform(lesson.train.windows.astype(np.float64))[:, :number]
    return replace(lesson, train=replace(lesson.train, windows=seen))


def _unfolded(components: PCA, fitted: Any) -> Any:
    """A line over components as a line over windows."""
    slopes = fitted.coef_.reshape(-1, fitted.coef_.shape[-1])
    kernel = slopes @ components.components_[: slopes.shape[1]]
    return line(kernel, np.atleast_1d(fitted.intercept_) - kernel @ components.mean_)
