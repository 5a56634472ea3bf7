"""Calibration fitted on validation rows: probabilities that come true as often as they say.

Knows predictions of rows that were not learned from and what came true there; test rows are
nobody's business here. The only place of evaluation that knows scikit-learn.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import IsotonicRegression

from atb.calibration import Calibration, Curves
from atb.config.judgement import CalibrationSpec

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

COLDEST, HOTTEST = 0.1, 100.0  # a logit's rounding is multiplied by ten at most
HALVINGS = 50
STEEPEST = 10.0  # of a curve, for the same reason
SMALLEST = 1e-300


def fit(
    spec: CalibrationSpec, raw: Float64, served: Float64, actual: Float64, classes: int
) -> Calibration:
    """What predictions of validation rows teach.

    Args:
        spec: the method, and the coverage of intervals around quantities.
        raw: `[V, K * L]` outputs of the network.
        served: `[V, K]` quantities or probabilities of a rise, or `[V, K, 3]` probabilities.
        actual: `[V, K]` what came true: quantities, or indices of classes.
        classes: how many there are, 1 for quantities.
    """
    if classes == 1:
        widths = [half_width(column, spec.coverage) for column in np.abs(actual - served).T]
        return Calibration(half_width=np.array(widths), coverage=spec.coverage)
    return METHODS[spec.method](raw, served, actual.astype(np.int64))


def half_width(errors: Float64, coverage: float) -> float:
    """Half the width of an interval that holds this share of outcomes (split conformal).

    The `ceil((V + 1) * coverage)`-th smallest of V absolute errors (Lei et al. 2018, Distribution-
    free predictive inference for regression), the largest where there are fewer. It promises the
    coverage for exchangeable errors, which a market's are not: what was achieved is reported.
    """
    rank = min(math.ceil((len(errors) + 1) * coverage), len(errors))
    return float(np.partition(errors, rank - 1)[rank - 1])


def temperature(logits: Float64, actual: Int64) -> float:
    """What logits `[V, C]` are divided by for the smallest log loss (Guo et al. 2017).

    The loss is convex in the inverse: its slope, mean expected less mean actual logit, is closed
    in on zero by halves. Logits that all are equal stay so: 1.
    """
    if not np.ptp(logits, axis=1).any():
        return 1.0
    came_true = float(np.take_along_axis(logits, actual[:, np.newaxis], axis=1).mean())
    low, high = 1 / HOTTEST, 1 / COLDEST
    for _ in range(HALVINGS):
        middle = math.sqrt(low * high)
        weights = np.exp(middle * (logits - logits.max(axis=1, keepdims=True)))
        expected = (weights * logits).sum(axis=1) / weights.sum(axis=1)
        low, high = (low, middle) if expected.mean() > came_true else (middle, high)
    return 1 / high


def curve(probability: Float64, came_true: Float64) -> tuple[Float64, Float64]:
    """Knots and levels of a rising function from probabilities `[V]` to how often it came true.

    Isotonic regression gives blocks of equal level; the centres of blocks are the knots (Oron and
    Flournoy 2017, Centered isotonic regression), so that what is likelier stays likelier. Blocks
    that the function would rise too steeply between are joined.
    """
    count = len(probability)
    least = 1 / (count + 2)  # as sure as so many rows can make anyone
    regression = IsotonicRegression(y_min=least, y_max=1 - least)
    fitted = regression.fit_transform(probability, came_true)
    levels, block = np.unique(fitted, return_inverse=True)
    weights = np.bincount(block).astype(np.float64)
    centres = np.bincount(block, probability) / weights
    while len(levels) > 1:
        steepness = np.diff(levels) / np.maximum(np.diff(centres), SMALLEST)
        if steepness.max() <= STEEPEST:
            break
        centres, levels, weights = _joined(centres, levels, weights, int(steepness.argmax()))
    return centres, levels


def _joined(
    centres: Float64, levels: Float64, weights: Float64, at: int
) -> tuple[Float64, Float64, Float64]:
    """The block `at` and the next as one, with their weighted mean centre and level."""
    starts = np.delete(np.arange(len(weights)), at + 1)
    total = np.add.reduceat(weights, starts)
    centres, levels = (np.add.reduceat(x * weights, starts) / total for x in (centres, levels))
    return centres, levels, total


def _by_temperature(raw: Float64, served: Float64, actual: Int64) -> Calibration:
    """Of two classes, the logit of the other one is 0."""
    logits = raw.reshape(*served.shape[:2], -1)
    if served.ndim == 2:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=2)
    found = [temperature(logits[:, k], actual[:, k]) for k in range(actual.shape[1])]
    return Calibration(temperature=np.array(found))


def _isotonic(_raw: Float64, served: Float64, actual: Int64) -> Calibration:
    """Curves of every class; of two classes, of the rise alone."""
    came_true = actual if served.ndim == 2 else np.eye(served.shape[2])[actual]
    columns = (part.reshape(len(served), -1).T for part in (served, came_true))
    found = [curve(*column) for column in zip(*columns, strict=True)]
    longest = max(2, *(len(knots) for knots, _ in found))
    filled = [_filled(knots, levels, longest) for knots, levels in found]
    shape = (*served.shape[1:], longest)
    knots, levels = (np.array(part).reshape(shape) for part in zip(*filled, strict=True))
    return Calibration(curves=Curves(knots, levels))


def _filled(knots: Float64, levels: Float64, length: int) -> tuple[Float64, Float64]:
    """The same curve with further knots, where it is level anyway."""
    more = length - len(knots)
    further = knots[-1] + np.arange(1.0, more + 1)
    return np.append(knots, further), np.append(levels, np.full(more, levels[-1]))


METHODS: Mapping[str, Callable[[Float64, Float64, Int64], Calibration]] = {
    "none": lambda _raw, _served, _actual: Calibration(),
    "temperature": _by_temperature,
    "isotonic": _isotonic,
}
