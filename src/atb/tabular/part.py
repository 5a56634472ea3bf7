"""The contract between the learners of this room and what makes a model of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """Flattened windows and what came true after each, of one horizon.

    Attributes:
        windows: `[M, P]` float32, scaled.
        actual: `[M]` float64: standardised, or the index of the class.
        ends: `[M]` the row at which each window ends, rising.
        known_at: `[M]` the row at which what came true was known.
    """

    windows: Float32
    actual: Float64
    ends: Int64
    known_at: Int64

    def at(self, chosen: Int64) -> Sample:
        """The windows at these places."""
        return Sample(*(part[chosen] for part in vars(self).values()))


@dataclass(frozen=True)
class Lesson:
    """All that is learned from, of one horizon.

    Attributes:
        train: to fit.
        validation: to stop and choose on.
        classes: how many a label can be, 1 for a quantity.
        embargo: rows left out beyond the purge where train windows are divided again.
        seed: of everything random.
    """

    train: Sample
    validation: Sample
    classes: int
    embargo: int
    seed: int


@dataclass(frozen=True)
class Part:
    """What was learned of one horizon.

    Attributes:
        estimators: scikit-learn's, by a name; kept unfitted in `model.skops`, to be fitted again.
        raw: flattened windows `[B, P]` as a Keras tensor to raw outputs `[B, L]`: standardised, the
            logit of a rise, or the logits of three classes. Estimators enter it as
            `atb.export.estimator.Estimator` layers.
        reason: how it was found, for people.
        parameters: numbers that were learned.
        quantiles: where it knows them: flattened windows to `[B, Q + S]`, as `learner.Quantiles`
            says, with the levels.
    """

    estimators: Mapping[str, Any]
    raw: Callable[[keras.KerasTensor], keras.KerasTensor]
    reason: str
    parameters: int
    quantiles: PartQuantiles | None = None


@dataclass(frozen=True)
class PartQuantiles:
    """As `atb.dataset.learner.Quantiles`, of flattened windows as a Keras tensor."""

    levels: tuple[float, ...]
    shortfall: tuple[float, ...]
    of: Callable[[keras.KerasTensor], keras.KerasTensor]


class Solve(Protocol):
    """What each learner's file gives as `solve`; the spec is its own, from `atb.config.tabular`."""

    def __call__(self, spec: Any, lesson: Lesson) -> Part:
        """Fit one horizon."""
        ...
