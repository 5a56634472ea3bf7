"""A named feature set as one Keras layer, and the feature matrix of a whole series.

The same layer makes the training matrix and sits inside the serving graph, so both see the same
numbers. Knows the catalogue and where each function lies; nothing of labels, windows or networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from keras import ops

from atb.config.data import Market
from atb.config.feature import Feature
from atb.config.features import FEATURES, SETS, depth, known_set, lookback, market_of, width
from atb.errors import DataError, UsageError
from atb.features.bars import Bars
from atb.features.causal import Series, aligned
from atb.features.days import Days
from atb.features.levels import FLOW, SIDES, Levels
from atb.features.scaling import Scaling
from atb.market.history import History

Float32 = npt.NDArray[np.float32]

CHUNK = 16_384

VIEWS: Mapping[Market, Callable[[Series], Any]] = {
    "candles": Bars,
    "book": Levels,
    "bonds": Days,
}


def function_of(feature: Feature) -> Callable[..., Series]:
    """The function a row of the catalogue names: `atb.features.<group>.<function>`."""
    function: Callable[..., Series] = getattr(
        import_module(f"atb.features.{feature.group}"), feature.function
    )
    return function


@keras.saving.register_keras_serializable(package="atb")
class FeatureSet(keras.layers.Layer):  # type: ignore[misc]
    """Raw rows of a market to the features of one set, always in float32.

    `[B, T + lookback, C]` candles (open, high, low, close, volume), states of a book (see
    `atb.features.levels`) or days of a bond (see `atb.features.days`) to `[B, T, F]`: each row is
    made from its own and the `lookback` rows before it, never from a later one.

    Args:
        set_name: a set of `atb.config.features`.
        name: name of the layer.

    Raises:
        UsageError: when there is no such set.
        DataError: when called with a book of fewer levels than the set reads.
    """

    def __init__(self, set_name: str, *, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32", trainable=False)
        self.set_name = known_set(set_name)
        self.lookback = lookback(set_name)
        self._members = [FEATURES[member] for member in SETS[set_name]]

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Nothing to make; whether the rows have what the set reads."""
        require_levels(self.set_name, int(input_shape[-1] or 0))

    def call(self, rows: Series) -> Series:
        """`[B, T + lookback, C]` float32 to `[B, T, F]` float32."""
        view = VIEWS[market_of(self.set_name)](rows)
        columns = [function_of(feature)(view, *feature.parameters) for feature in self._members]
        return ops.concatenate(aligned(*columns), axis=-1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, int | None, int]:
        """`(B, T + lookback, C)` to `(B, T, F)`; unknown lengths stay unknown."""
        batch, time, _ = input_shape
        return batch, None if time is None else time - self.lookback, width(self.set_name)

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again: its name and its set."""
        return {"name": self.name, "set_name": self.set_name}


def rescaling(scaling: Scaling) -> keras.layers.Layer:
    """A fitted scaling as a float32 layer: `[..., F]` to `[..., F]`."""
    return keras.layers.Rescaling(
        scaling.scale.tolist(), scaling.offset.tolist(), dtype="float32", name="scaling"
    )


def require_levels(set_name: str, columns: int) -> None:
    """Nothing, if rows of so many raw columns have the price levels the set reads.

    Raises:
        DataError: otherwise.
    """
    given, read = max(columns - FLOW, 0) // SIDES, depth(set_name)
    if given < read:
        raise DataError(
            f"the book has {given} price levels, feature set {set_name!r} reads {read}",
            remedy=f"use a book of {read} levels or more",
        )


def compute(set_name: str, history: History) -> Float32:
    """The feature matrix `[N, F]` float32 of N rows; its first `lookback` rows are NaN.

    Computed in pieces of one shape at fixed positions: a row has the same bits whatever follows
    it, and memory does not grow with N beyond the matrix itself. A gap between rows is not seen
    here; windows must not cross one.

    Raises:
        UsageError: when there is no such set, or it is of another market.
        DataError: when a book has fewer levels than the set reads.
    """
    if history.kind != market_of(set_name):
        raise UsageError(
            f"feature set {set_name!r} is of kind {market_of(set_name)}, the rows are of kind "
            f"{history.kind}"
        )
    width_in, before = len(history.columns), lookback(set_name)
    require_levels(set_name, width_in)
    matrix = np.full((len(history), width(set_name)), np.nan, np.float32)
    step = _step(set_name, width_in)
    for start in range(0, len(history), CHUNK):
        stop = min(start + CHUNK, len(history))
        # The past before the first row and the future after the last are NaN: what needs them is.
        piece = np.full((1, before + CHUNK, width_in), np.nan, np.float32)
        first = max(start - before, 0)
        offset = first - (start - before)
        piece[0, offset : offset + stop - first] = _raw(history, first, stop)
        matrix[start:stop] = step(piece)[0, : stop - start]
    matrix[:before] = np.nan
    return matrix


def _raw(history: History, start: int, stop: int) -> Float32:
    """Rows as they are in the whole matrix: a column may tell of the row before."""
    earlier = min(start, 1)
    rows: Float32 = history.rows(start - earlier, stop).matrix()
    return rows[earlier:]


@cache
def _step(set_name: str, columns: int) -> Callable[[Float32], tf.Tensor]:
    """The layer compiled for one piece."""
    shape = (1, lookback(set_name) + CHUNK, columns)
    step: Callable[[Float32], tf.Tensor] = tf.function(
        FeatureSet(set_name), input_signature=[tf.TensorSpec(shape, tf.float32)]
    )
    return step
