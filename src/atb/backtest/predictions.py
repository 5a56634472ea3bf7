"""Predictions: what a model said at the close of which bar.

The hop between whatever predicts and whatever trades or judges; knows neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from atb.errors import DivergedError

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Unit = Literal["return", "probability"]


@dataclass(frozen=True)
class Predictions:
    """M predictions in time order.

    Attributes:
        rows: `[M]` int64, rising: the candle row at whose close each was made.
        value: `[M]` float64, in `unit`.
        unit: `return` (log return over the horizon) or `probability` (of a rise, 0 to 1).

    Raises:
        DivergedError: when a prediction is not a finite number, or no probability.
    """

    rows: Int64
    value: Float64
    unit: Unit

    def __post_init__(self) -> None:
        if self.rows.ndim != 1 or self.rows.shape != self.value.shape:
            raise ValueError(f"rows {self.rows.shape} and values {self.value.shape} must be [M]")
        if np.any(np.diff(self.rows, prepend=-1) <= 0):
            raise ValueError("rows of predictions must rise from 0")
        require_finite(self.value)
        if self.unit == "probability":
            require_probabilities(self.value)

    def __len__(self) -> int:
        """Number of predictions."""
        return len(self.rows)


def require_finite(value: Float64) -> None:
    """Refuse predictions `[M]` of which any is NaN or infinite.

    Raises:
        DivergedError: with how many, and the first of them.
    """
    _refuse(~np.isfinite(value), value, "not a finite number")


def require_probabilities(value: Float64) -> None:
    """Refuse predictions `[M]` of which any lies outside 0 to 1.

    Raises:
        DivergedError: with how many, and the first of them.
    """
    _refuse((value < 0) | (value > 1), value, "no probability between 0 and 1")


def _refuse(wrong: npt.NDArray[np.bool_], value: Float64, what: str) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        raise DivergedError(
            f"{int(wrong.sum())} of {len(value)} predictions are {what}: "
            f"number {first} is {value[first]:g}",
            remedy="train again with a lower learning rate",
        )
