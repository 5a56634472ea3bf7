"""Calibration inside the serving graph: the same numbers as `atb.calibration`, as layers.

Knows logits and probabilities, not what they are of.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from atb.calibration import Calibration, Curves


def cooled(raw: keras.KerasTensor, calibration: Calibration) -> keras.KerasTensor:
    """Logits `[B, K * L]` divided by the temperature of each of K horizons, if there are any."""
    if calibration.temperature is None:
        return raw
    each = np.repeat(calibration.temperature, raw.shape[-1] // len(calibration.temperature))
    return layers.Rescaling((1 / each).tolist(), dtype="float32", name="temperature")(raw)


def straightened(probability: keras.KerasTensor, calibration: Calibration) -> keras.KerasTensor:
    """Probabilities `[B, ...]` mapped by their curves, if there are any."""
    curves = calibration.curves
    if curves is None:
        return probability
    shape = (*probability.shape[1:], curves.knots.shape[-1])
    knots, levels = (part.reshape(shape).tolist() for part in (curves.knots, curves.levels))
    return Isotonic(knots, levels, normalised=calibration.of_classes, name="isotonic")(probability)


@keras.saving.register_keras_serializable(package="atb")
class Isotonic(layers.Layer):  # type: ignore[misc]
    """Each probability `[B, ...]` by a rising function of its own, straight between knots.

    Args:
        knots: nested lists `[..., n]`, see `atb.calibration.Curves`.
        levels: likewise.
        normalised: whether the last axis is classes, which sum to 1.
    """

    def __init__(self, knots: Any, levels: Any, *, normalised: bool, name: str | None = None):
        super().__init__(name=name, dtype="float32", trainable=False)
        self.knots, self.levels, self.normalised = knots, levels, normalised
        curves = Curves(np.asarray(knots, np.float64), np.asarray(levels, np.float64))
        self._starts = curves.knots[..., :-1].astype(np.float32)
        self._widths = np.diff(curves.knots).astype(np.float32)
        self._rises = np.diff(curves.levels).astype(np.float32)
        self._lowest = curves.levels[..., 0].astype(np.float32)

    def call(self, probability: Any) -> Any:
        """`[B, ...]` to `[B, ...]`."""
        passed = (ops.expand_dims(probability, -1) - self._starts) / self._widths
        risen = ops.sum(ops.minimum(ops.maximum(passed, 0.0), 1.0) * self._rises, axis=-1)
        mapped = risen + self._lowest
        return mapped / ops.sum(mapped, axis=-1, keepdims=True) if self.normalised else mapped

    def compute_output_shape(self, shape: Any) -> Any:
        """The same."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again."""
        return {
            "knots": self.knots,
            "levels": self.levels,
            "normalised": self.normalised,
            "name": self.name,
        }
