"""What a metric is: per-row columns and a function of their means.

Every metric here has this form, so that one bootstrap of column means serves them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """What one horizon is judged on, and all that a naive forecast may know.

    A naive forecast reads closes up to its test row, labels of train rows, and labels of rows at
    least `horizon` before its test row: what they are has come true by then.

    Attributes:
        close: `[N]` float64 price at the close of every row, test rows and all others.
        labels: `[N]` float64 of this horizon: a quantity, or the index of a class.
        train: `[T]` int64 rows whose labels were learned from.
        test: `[M]` int64 rows that were predicted, rising and later than the train rows.
        horizon: rows after which a label is known at the latest; neighbouring labels depend on
            each other over as many.
    """

    close: Float64
    labels: Float64
    train: Int64
    test: Int64
    horizon: int


Baseline = Callable[[Evidence], Float64]


@dataclass(frozen=True)
class Outcome:
    """M forecasts and what came true, in time order.

    Attributes:
        predicted: `[M]` float64 log return, log volatility, move in basis points or probability
            of a rise, or `[M, C]` probabilities of the classes.
        actual: `[M]` float64 quantity, or index of the class.
        close: `[M]` float64 price at the close of the bar the forecast was made at.
        scale: standard deviation of the label on train rows, 1 for classes.
        drawn: whether a class is drawn with its probability, instead of taking the likeliest; what
            is decided then counts in expectation.
    """

    predicted: Float64
    actual: Float64
    close: Float64
    scale: float
    drawn: bool = False


@dataclass(frozen=True)
class Metric:
    """One figure of merit.

    Attributes:
        name: key in results; price metrics are in the quote currency, `price_mape` is a share.
        columns: an outcome to `[M, k]` float64 per-row quantities; metrics that share the
            function share the work.
        value: means `[..., k]` of those columns to the metric `[...]`; NaN where it is undefined.
        rising: whether higher is better.
    """

    name: str
    columns: Callable[[Outcome], Float64]
    value: Callable[[Float64], Float64]
    rising: bool = False

    def of(self, outcome: Outcome) -> float:
        """The metric of an outcome; NaN where it is undefined."""
        return float(self.value(self.columns(outcome).mean(axis=0)))


def mean_of(column: Callable[[Outcome], Float64]) -> Callable[[Outcome], Float64]:
    """One per-row quantity `[M]` as the single column `[M, 1]`."""
    return lambda outcome: column(outcome)[:, np.newaxis]


def first(means: Float64) -> Float64:
    """The mean of the only column."""
    return means[..., 0]


def root(means: Float64) -> Float64:
    """The root of the mean of the only column."""
    return np.sqrt(means[..., 0])


def ratio(over: Float64, under: Float64, otherwise: float = np.nan) -> Float64:
    """`over / under`, elementwise; `otherwise` where `under` is not positive."""
    undefined = np.full(np.shape(under), otherwise)
    result: Float64 = np.divide(over, under, out=undefined, where=np.asarray(under) > 0)
    return result
