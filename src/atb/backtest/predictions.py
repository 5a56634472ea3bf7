"""Predictions: what a model said at which row.

The hop between whatever predicts and whatever trades or judges; knows neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from atb.errors import DivergedError

if TYPE_CHECKING:  # whoever only serves a model needs no pydantic
    from atb.config.targets import Output

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]

SUM_TOLERANCE = 1e-4  # float32 softmax stays far below it
LARGEST_LOGARITHM = 100.0  # a volatility of e**100 a bar is none, and e**710 is no number


@dataclass(frozen=True)
class Predictions:
    """M predictions of one horizon in time order.

    Attributes:
        rows: `[M]` int64, rising: the row of candles or book at whose close each was made.
        value: `[M]` float64 in `unit`, or `[M, 3]` probabilities of down, flat and up.
        unit: what is predicted, see `atb.config.targets`.

    Raises:
        DivergedError: when a prediction is not a finite number, or no probability.
    """

    rows: Int64
    value: Float64
    unit: Output

    def __post_init__(self) -> None:
        if self.rows.ndim != 1 or self.rows.shape != self.value.shape[:1]:
            raise ValueError(f"rows {self.rows.shape} and values {self.value.shape} must be [M]")
        if np.any(np.diff(self.rows, prepend=-1) <= 0):
            raise ValueError("rows of predictions must rise from 0")
        require_valid(self.unit, self.value)

    def __len__(self) -> int:
        """Number of predictions."""
        return len(self.rows)


def require_valid(unit: Output, value: Float64) -> None:
    """Refuse values that are no predictions in this unit.

    Raises:
        ValueError: when their shape is not `[M]`, or `[M, 3]` for `probabilities`.
        DivergedError: with how many are wrong, and the first of them.
    """
    shape = ("M", 3) if unit == "probabilities" else ("M",)
    if value.shape[1:] != shape[1:]:
        raise ValueError(f"predictions of {unit} have shape {value.shape}, not {shape}")
    rows = value[:, np.newaxis] if value.ndim == 1 else value
    for what, wrong in (FINITE, *LAWS[unit]):
        found = wrong(rows)
        if found.any():
            first = int(np.argmax(found))
            raise DivergedError(
                f"{int(found.sum())} of {len(rows)} predictions are {what}: "
                f"number {first} is {', '.join(f'{one:g}' for one in rows[first])}",
                remedy="train again with a lower learning rate",
            )


def _not_finite(rows: Float64) -> Bool:
    found: Bool = np.any(~np.isfinite(rows), axis=1)
    return found


def _no_probability(rows: Float64) -> Bool:
    found: Bool = np.any((rows < 0) | (rows > 1), axis=1)
    return found


def _not_whole(rows: Float64) -> Bool:
    found: Bool = np.abs(rows.sum(axis=1) - 1) > SUM_TOLERANCE
    return found


def _no_logarithm(rows: Float64) -> Bool:
    found: Bool = np.any(rows > LARGEST_LOGARITHM, axis=1)
    return found


Law = tuple[str, Callable[[Float64], Bool]]  # what is wrong, and which of `[M, k]` are

FINITE: Law = ("not a finite number", _not_finite)
PROBABILITY: Law = ("no probability between 0 and 1", _no_probability)
WHOLE: Law = ("probabilities that do not sum to 1", _not_whole)
LOGARITHM: Law = ("no logarithm of a volatility", _no_logarithm)
LAWS: Mapping[Output, tuple[Law, ...]] = {
    "return": (),
    "probability": (PROBABILITY,),
    "probabilities": (PROBABILITY, WHOLE),
    "log_volatility": (LOGARITHM,),
    "move": (),
}
