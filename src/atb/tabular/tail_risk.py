"""Boosted trees for quantiles: value at risk and expected shortfall.

Each level has trees of its own (Koenker and Bassett 1978; Friedman 2001). They fit train windows
better than others, so that too much of what comes lies beyond them: each quantile is then stretched
away from the median as far as validation windows ask, which is the idea of conformalized quantile
regression (Romano et al. 2019), in shares of the distance instead of its unit. The mean beyond a
quantile is taken to be so many times as far from the median as the quantile is (Taylor 2019), as
often as it was on validation windows. Knows flattened windows, no market.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from atb.config.tabular import TailRisk
from atb.tabular.distribution import MIDDLE, around, rising, stretched, with_means_beyond
from atb.tabular.enhanced import boosted, leaves
from atb.tabular.onnx import estimated
from atb.tabular.part import Lesson, Part, PartQuantiles, Sample

Float64 = npt.NDArray[np.float64]

LEAST = 1e-3  # standard deviations that a quantile counts to be away from the median, at least


def solve(spec: TailRisk, lesson: Lesson) -> Part:
    """Grow trees for each level on train windows; the answer is the median."""
    levels = around(spec.levels)
    trees = [boosted(spec.boosted, lesson, loss="quantile", quantile=level) for level in levels]
    middle = trees[levels.index(MIDDLE)]
    factors, depths = _measured(levels, trees, middle, lesson.validation)

    def quantiles(windows: keras.KerasTensor) -> keras.KerasTensor:
        each = stretched([estimated(one, windows) for one in trees], factors)
        return with_means_beyond(rising(each), depths[: len(spec.levels)])

    return Part(
        estimators={f"quantile_{level:g}": one for level, one in zip(levels, trees, strict=True)},
        raw=lambda windows: estimated(middle, windows),
        reason=_reason(levels, trees, factors),
        parameters=sum(map(leaves, trees)) + len(factors) - 1 + len(spec.levels),
        quantiles=PartQuantiles(levels, spec.levels, quantiles),
    )


def _measured(
    levels: Sequence[float], trees: Sequence[Any], middle: Any, sample: Sample
) -> tuple[list[float], list[float]]:
    """Of each level: how far it must be stretched, and how far the mean beyond it is then.

    Both are shares of the distance from the median.
    """
    median = middle.predict(sample.windows)
    found = [
        _beyond(level, one.predict(sample.windows) - median, sample.actual - median)
        if level != MIDDLE
        else (1.0, 1.0)
        for level, one in zip(levels, trees, strict=True)
    ]
    return [factor for factor, _ in found], [depth for _, depth in found]


def _beyond(level: float, distance: Float64, actual: Float64) -> tuple[float, float]:
    """The factor of a quantile's distances `[M]` from the median that leaves its share beyond.

    Then the mean of what came true beyond, in distances so stretched.
    """
    side = -1 if level < MIDDLE else 1
    shares = side * actual / np.maximum(side * distance, LEAST)
    factor = max(LEAST, float(np.quantile(shares, max(level, 1 - level))))
    return factor, float(shares[shares >= factor].mean()) / factor


def _reason(levels: Sequence[float], trees: Sequence[Any], factors: Sequence[float]) -> str:
    grew = ", ".join(
        f"{one.n_iter_} trees for {level:g}" for level, one in zip(levels, trees, strict=True)
    )
    wider = ", ".join(f"{factor:.2f}" for factor in factors)
    return f"{grew}; stretched from the median by {wider}"
