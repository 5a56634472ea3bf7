"""A named feature set as one Keras layer, and the feature matrix of a whole series.

The same layer makes the training matrix and sits inside the serving graph, so both see the same
numbers. Knows the catalogue and where each function lies; nothing of labels, windows or networks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from atb.config.feature import Feature
from atb.config.features import FEATURES, SETS, known_set, lookback
from atb.features.bars import Bars
from atb.features.causal import Series, aligned
from atb.features.scaling import Scaling
from atb.market.candles import COLUMNS, Candles

Float32 = npt.NDArray[np.float32]

CHUNK = 16_384


def function_of(feature: Feature) -> Callable[..., Series]:
    """The function a row of the catalogue names: `atb.features.<group>.<function>`."""
    function: Callable[..., Series] = getattr(
        import_module(f"atb.features.{feature.group}"), feature.function
    )
    return function


@keras.saving.register_keras_serializable(package="atb")
class FeatureSet(keras.layers.Layer):  # type: ignore[misc]
    """Raw candles to the features of one set, always in float32.

    `[B, T + lookback, 5]` candles (open, high, low, close, volume) to `[B, T, F]`: each row is made
    from its own bar and the `lookback` bars before it, never from a later one.

    Args:
        set_name: a set of `atb.config.features`.
        name: name of the layer.

    Raises:
        UsageError: when there is no such set.
    """

    def __init__(self, set_name: str, *, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32", trainable=False)
        self.set_name = known_set(set_name)
        self.lookback = lookback(set_name)
        self._members = [FEATURES[member] for member in SETS[set_name]]

    def call(self, candles: Series) -> Series:
        """`[B, T + lookback, 5]` float32 to `[B, T, F]` float32."""
        bars = Bars(candles)
        columns = [function_of(feature)(bars, *feature.parameters) for feature in self._members]
        return ops.concatenate(aligned(*columns), axis=-1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, int | None, int]:
        """`(B, T + lookback, 5)` to `(B, T, F)`; unknown lengths stay unknown."""
        batch, time, _ = input_shape
        return batch, None if time is None else time - self.lookback, len(self._members)

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again: its name and its set."""
        return {"name": self.name, "set_name": self.set_name}


def rescaling(scaling: Scaling) -> keras.layers.Layer:
    """A fitted scaling as a float32 layer: `[..., F]` to `[..., F]`."""
    return keras.layers.Rescaling(
        scaling.scale.tolist(), scaling.offset.tolist(), dtype="float32", name="scaling"
    )


def compute(set_name: str, candles: Candles) -> Float32:
    """The feature matrix `[N, F]` float32 of N candles; its first `lookback` rows are NaN.

    Computed in pieces of one shape at fixed positions: a row has the same bits whatever follows
    it, and memory does not grow with N beyond the matrix itself. A gap between candles is not
    seen here; windows must not cross one.

    Raises:
        UsageError: when there is no such set.
    """
    before = lookback(set_name)
    matrix = np.full((len(candles), len(SETS[set_name])), np.nan, np.float32)
    step = _step(set_name)
    for start in range(0, len(candles), CHUNK):
        stop = min(start + CHUNK, len(candles))
        # The past before the first bar and the future after the last are NaN: what needs them is.
        piece = np.full((1, before + CHUNK, len(COLUMNS)), np.nan, np.float32)
        first = max(start - before, 0)
        offset = first - (start - before)
        piece[0, offset : offset + stop - first] = candles.rows(first, stop).matrix()
        matrix[start:stop] = step(piece)[0, : stop - start]
    matrix[:before] = np.nan
    return matrix


@cache
def _step(set_name: str) -> Callable[[Float32], tf.Tensor]:
    """The layer compiled for one piece."""
    shape = (1, lookback(set_name) + CHUNK, len(COLUMNS))
    step: Callable[[Float32], tf.Tensor] = tf.function(
        FeatureSet(set_name), input_signature=[tf.TensorSpec(shape, tf.float32)]
    )
    return step
