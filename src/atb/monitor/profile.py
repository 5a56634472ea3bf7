"""What a model saw, said and missed when it was made: what later rows are compared with.

Features are those of train rows, which is what the weights know. Predictions and residuals are
those of test rows: of train rows they are too good, and validation rows chose the weights. How long
errors stay large is asked of train rows too, since test rows may be one calm or wild season: there,
of what a constant forecast misses. Knows arrays, not how they were made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from atb.monitor.distribution import Distribution

Float64 = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any]]

FORMAT = 1
CLASSES = ("down", "flat", "up")


@dataclass(frozen=True)
class Profile:
    """The reference of a model.

    Attributes:
        classes: that it predicts, 1 for a quantity.
        features: one for each of F columns, from train rows.
        predictions: one for each of P columns, from test rows.
        residual: of test rows, see `residuals`.
        error: size of the residual.
    """

    classes: int
    features: tuple[Distribution, ...]
    predictions: tuple[Distribution, ...]
    residual: Distribution
    error: Distribution

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        features: Numbers,
        predictions: Float64,
        outcomes: Float64,
        learned: Float64,
        classes: int,
    ) -> Self:
        """A profile of rows in time order.

        Args:
            names: of the F features.
            features: `[n, F]` unscaled, of train rows.
            predictions: `[m]` or `[m, 3]` of test rows.
            outcomes: `[m]` what came true at them, a quantity or the index of a class.
            learned: `[n]` the same of train rows.
            classes: see `Profile`.
        """
        said = predictions.reshape(len(predictions), -1)
        called = CLASSES if said.shape[1] > 1 else ("prediction",)
        missed = residuals(classes, predictions, outcomes)
        earlier = residuals(classes, _constant(classes, learned), learned)
        residual, error = (
            Distribution.of(name, part(missed)).remembering(
                Distribution.of(name, part(earlier)).memory
            )
            for name, part in (("residual", np.array), ("error", np.abs))
        )
        return cls(
            classes, _distributions(names, features), _distributions(called, said), residual, error
        )

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON: about a kilobyte for each column."""
        return {
            "format": FORMAT,
            "classes": self.classes,
            "features": [one.to_json() for one in self.features],
            "predictions": [one.to_json() for one in self.predictions],
            "residual": self.residual.to_json(),
            "error": self.error.to_json(),
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Self:
        """What `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: for anything else.
        """
        if said["format"] != FORMAT:
            raise ValueError(f"format {said['format']!r} is unknown, this is {FORMAT}")
        return cls(
            int(said["classes"]),
            tuple(map(Distribution.from_json, said["features"])),
            tuple(map(Distribution.from_json, said["predictions"])),
            Distribution.from_json(said["residual"]),
            Distribution.from_json(said["error"]),
        )


def residuals(classes: int, predictions: Float64, outcomes: Float64) -> Float64:
    """By how much predictions missed.

    Args:
        classes: 1 for a quantity, 2 or 3 for classes.
        predictions: `[B]` quantities or probabilities of a rise, or `[B, 3]` of down, flat, up.
        outcomes: `[B]` the quantity, or the index of the class.

    Returns:
        `[B]` outcome less prediction, or the probability that was not given to what came true.
    """
    if classes == 1:
        return outcomes - predictions
    if classes == 2:
        missed: Float64 = np.where(outcomes == 1, 1 - predictions, predictions)
        return missed
    return 1 - np.take_along_axis(predictions, outcomes.astype(int)[:, np.newaxis], axis=1)[:, 0]


def _constant(classes: int, outcomes: Float64) -> Float64:
    """The forecast that knows no more than the mean, or how frequent each class is."""
    if classes < 3:
        return np.full(len(outcomes), outcomes.mean())
    shares = np.bincount(outcomes.astype(int), minlength=classes) / len(outcomes)
    return np.tile(shares, (len(outcomes), 1))


def _distributions(names: Sequence[str], columns: Numbers) -> tuple[Distribution, ...]:
    return tuple(
        Distribution.of(name, column) for name, column in zip(names, columns.T, strict=True)
    )
