"""What validation rows taught about predictions, ready to be applied to any others.

Knows raw outputs and probabilities as numbers; how they were fitted, and on what, is
`atb.evaluation.calibration`. The serving graph does the same with layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Curves:
    """A rising function for each probability: straight between knots, level beyond them.

    Attributes:
        knots: `[..., n]` float64 probabilities, rising along the last axis, n at least 2.
        levels: `[..., n]` float64 what each becomes, never falling, between 0 and 1.
    """

    knots: Float64
    levels: Float64

    def __call__(self, probability: Float64) -> Float64:
        """Probabilities `[M, ...]` as `[M, ...]`.

        The first level and the part of every rise that is passed: sums of what is not negative, so
        that single precision is enough.
        """
        passed = (probability[..., np.newaxis] - self.knots[..., :-1]) / np.diff(self.knots)
        risen: Float64 = (np.clip(passed, 0.0, 1.0) * np.diff(self.levels)).sum(axis=-1)
        return self.levels[..., 0] + risen


@dataclass(frozen=True)
class Calibration:
    """How K horizons are calibrated; by default not at all.

    Attributes:
        temperature: `[K]` float64 by which logits are divided (Guo et al. 2017); None for as they
            are.
        curves: of probabilities `[K]` of a rise, or `[K, 3]` of classes, which then are made to sum
            to 1 again (Zadrozny and Elkan 2002); None for as they are.
        half_width: `[K]` float64 of the interval around a quantity, in its own unit; None where
            there are probabilities.
        coverage: share of outcomes that these intervals shall hold.
    """

    temperature: Float64 | None = None
    curves: Curves | None = None
    half_width: Float64 | None = None
    coverage: float | None = None

    @property
    def method(self) -> str:
        """In a word."""
        if self.half_width is not None:
            return "conformal"
        if self.temperature is not None:
            return "temperature"
        return "none" if self.curves is None else "isotonic"

    @property
    def of_classes(self) -> bool:
        """Whether the curves are of classes, whose probabilities sum to 1."""
        return self.curves is not None and self.curves.knots.ndim == 3

    def logits(self, raw: Float64) -> Float64:
        """Raw outputs `[M, K * L]` of a network as logits that are as sure as they should be."""
        if self.temperature is None:
            return raw
        return raw / np.repeat(self.temperature, raw.shape[1] // len(self.temperature))

    def applied(self, served: Float64) -> Float64:
        """What is served, `[M, K]` or `[M, K, 3]`, with its probabilities mapped by the curves."""
        if self.curves is None:
            return served
        mapped = self.curves(served)
        return mapped / mapped.sum(axis=-1, keepdims=True) if self.of_classes else mapped

    def parameters(self, horizon: int) -> dict[str, Any]:
        """The numbers of one of the K horizons, ready for JSON."""
        if self.temperature is not None:
            return {"temperature": float(self.temperature[horizon])}
        if self.curves is None:
            return {}
        parts = {"knots": self.curves.knots, "levels": self.curves.levels}
        return {name: values[horizon].tolist() for name, values in parts.items()}
