"""Metrics of decided classes: all of them are read off the confusion matrix.

The class decided on is the likeliest. Knows outcomes, not where they came from.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Metric, Outcome, first, ratio
from atb.evaluation.probability import by_class

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Figure = Callable[[Float64], Float64]  # of means, or of a matrix of shares

# By number of classes; of two, the first holds whatever is no rise.
NAMES: Mapping[int, tuple[str, ...]] = {2: ("down", "up"), 3: ("down", "flat", "up")}


def likeliest(predicted: Float64) -> Int64:
    """The class `[M]` of the highest probability; of equal ones the first."""
    classes: Int64 = by_class(predicted).argmax(axis=1)
    return classes


def confusion(actual: Float64, predicted: Int64, classes: int) -> Int64:
    """How often each class `[M]` was decided on when each came true `[M]`.

    Returns:
        `[C, C]` int64 counts, one row for each actual class, one column for each predicted.
    """
    cells = actual.astype(np.int64) * classes + predicted
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def macro_f1(actual: Float64, predicted: Int64, classes: int) -> float:
    """Mean over the classes of the F1 score of decided classes `[M]` against actual ones `[M]`."""
    counts = confusion(actual, predicted, classes).astype(np.float64)
    return float(_macro_f1(counts))


def per_class(classes: int) -> tuple[Metric, ...]:
    """Precision and recall of each of this many classes."""
    return tuple(
        _metric(f"{title}_{name}", partial(_of_class, figure, index))
        for index, name in enumerate(NAMES[classes])
        for title, figure in (("precision", _precision), ("recall", _recall))
    )


def _metric(name: str, figure: Figure) -> Metric:
    return Metric(name, _cells, _of_matrix(figure), rising=True)


def _cells(outcome: Outcome) -> Float64:
    """`[M, C * C]` how much of each row is in each cell of the confusion matrix.

    All of it is in one, or, where the class is drawn, in several by their probabilities.
    """
    given = by_class(outcome.predicted)
    classes = given.shape[1]
    decided = given if outcome.drawn else np.eye(classes)[given.argmax(axis=1)]
    actual = np.eye(classes)[outcome.actual.astype(np.int64)]
    cells: Float64 = actual[:, :, np.newaxis] * decided[:, np.newaxis, :]
    return cells.reshape(-1, classes**2)


def _of_matrix(figure: Figure) -> Figure:
    """A figure of the confusion matrix `[..., C, C]` as one of its cells `[..., C * C]`."""

    def of_cells(means: Float64) -> Float64:
        classes = math.isqrt(means.shape[-1])
        return figure(means.reshape(*means.shape[:-1], classes, classes))

    return of_cells


def _of_class(figure: Figure, index: int, matrix: Float64) -> Float64:
    return figure(matrix)[..., index]


def _hits(matrix: Float64) -> Float64:
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def _accuracy(matrix: Float64) -> Float64:
    right: Float64 = _hits(matrix).sum(axis=-1)
    return right


def _precision(matrix: Float64) -> Float64:
    """`[..., C]` share of the decisions for a class that were right; 0 where there were none."""
    return ratio(_hits(matrix), matrix.sum(axis=-2), otherwise=0.0)


def _recall(matrix: Float64) -> Float64:
    """`[..., C]` share of a class that was found; not defined where it never came true."""
    return ratio(_hits(matrix), matrix.sum(axis=-1))


def _macro_f1(matrix: Float64) -> Float64:
    """Mean of the harmonic means of precision and recall; 0 for a class that never appears."""
    both = matrix.sum(axis=-1) + matrix.sum(axis=-2)
    mean: Float64 = ratio(2 * _hits(matrix), both, otherwise=0.0).mean(axis=-1)
    return mean


def _mcc(matrix: Float64) -> Float64:
    """Matthews correlation of K classes (Gorodkin 2004); 0 where one side is always one class."""
    actual, decided = matrix.sum(axis=-1), matrix.sum(axis=-2)
    covariance = _accuracy(matrix) - (actual * decided).sum(axis=-1)
    spread = (1 - (actual**2).sum(axis=-1)) * (1 - (decided**2).sum(axis=-1))
    # Shares that were summed up miss a zero by a rounding.
    covariance, spread = (np.where(np.abs(x) > 1e-12, x, 0.0) for x in (covariance, spread))
    return ratio(covariance, np.sqrt(spread), otherwise=0.0)


def _error(outcome: Outcome) -> Float64:
    """`[M, 1]` how much of each decision is wrong."""
    matrix = _cells(outcome).reshape(len(outcome.actual), -1)
    classes = math.isqrt(matrix.shape[1])
    wrong: Float64 = matrix[:, ~np.eye(classes, dtype=bool).reshape(-1)].sum(axis=1)
    return wrong[:, np.newaxis]


ERROR = Metric("error", _error, first)
OVERALL = (_metric("accuracy", _accuracy), _metric("macro_f1", _macro_f1), _metric("mcc", _mcc))
