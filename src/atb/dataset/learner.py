"""The contract between the path and whatever learns: `fit(dataset) -> Fitted`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from atb.dataset.build import Dataset

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Epoch:
    """One pass over the train windows; losses are in the unit that is fitted."""

    epoch: int
    loss: float
    validation_loss: float
    seconds: float
    best: bool


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it came about.

    Attributes:
        model: the model, for export; a `keras.Model` for networks.
        predict: window ends `[M]` to raw outputs `[M]` float64, in the unit that is fitted.
        history: one record per epoch, in order.
        best_epoch: the epoch, from 1, whose weights the model holds.
        reason: why training ended, for people.
        parameters: number of trained weights.
    """

    model: Any
    predict: Callable[[Int64], Float64]
    history: tuple[Epoch, ...]
    best_epoch: int
    reason: str
    parameters: int


class Learner(Protocol):
    """Anything that learns from a dataset."""

    def fit(self, dataset: Dataset) -> Fitted:
        """Fit on train windows, stop and choose on validation windows, never see test labels."""
        ...
