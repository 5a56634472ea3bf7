"""The contract between the path and whatever learns: `fit(dataset) -> Fitted`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from atb.dataset.build import Dataset

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Epoch:
    """One pass over the train windows.

    Attributes:
        epoch: number, from 1.
        loss: mean over its steps, in the unit that is fitted.
        validation_loss: after it, in the same unit.
        learning_rate: at its end.
        seconds: that it took.
        best: whether its weights are the best so far.
        scores: further figures of the validation windows, by name.
    """

    epoch: int
    loss: float
    validation_loss: float
    learning_rate: float
    seconds: float
    best: bool
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Quantiles:
    """What else a model says of the first horizon: how what comes is distributed around it.

    Attributes:
        levels: Q shares, rising, strictly between 0 and 1.
        shortfall: the lowest S of the levels, of which the mean beyond the quantile is said too.
        predict: window ends `[M]` to `[M, Q + S]` float64, in the unit that is fitted: quantiles,
            never falling from one to the next, then the means beyond the first S.
    """

    levels: tuple[float, ...]
    shortfall: tuple[float, ...]
    predict: Callable[[Int64], Float64]


@dataclass(frozen=True)
class Fitted:
    """A trained model and how it came about.

    Attributes:
        model: the model, for export; a `keras.Model` for networks.
        predict: window ends `[M]` to raw outputs `[M, K * L]` float64, in the unit that is fitted.
        history: one record per epoch, in order.
        best_epoch: the epoch, from 1, whose weights the model holds.
        reason: why training ended, for people.
        parameters: number of trained weights.
        means: what it was computed with, and why: precision, devices, batch.
        files: further files of the model's folder: what writes each, by name.
        quantiles: the distribution of the first horizon, from a model that knows it.
    """

    model: Any
    predict: Callable[[Int64], Float64]
    history: tuple[Epoch, ...]
    best_epoch: int
    reason: str
    parameters: int
    means: Mapping[str, Any]
    files: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    quantiles: Quantiles | None = None


class Learner(Protocol):
    """Anything that learns from a dataset."""

    def fit(self, dataset: Dataset) -> Fitted:
        """Fit on train windows, stop and choose on validation windows, never see test labels."""
        ...
