"""Layers that treat a window as a matrix: time is one side of it, features are the other.

After Tran et al. 2019, "Temporal Attention-Augmented Bilinear Network for Financial Time-Series
Data Analysis" (IEEE TNNLS 30(5), arXiv:1712.00975) and Tran et al. 2021, "Data Normalization for
Bilinear Structures in High-Frequency Financial Time-series" (ICPR, arXiv:2003.00598); there a
window is features x time, here time x features. Knows shapes, no spec.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import constraints, layers, ops

# Added to each variance of scaled features, a hundredth of a deviation squared: what moves less
# within a window is mostly the features' own rounding, which a z-score would make the size of news.
VARIANCE = 1e-4


@keras.saving.register_keras_serializable(package="atb")
class BilinearNormalisation(layers.Layer):  # type: ignore[misc]
    """Each window by its own z-scores, along time and along features, in shares that are learned.

    `[B, T, F]` to the same shape, in float32 whatever precision the network has:
    `s1 (g1 z1 + b1) + s2 (g2 z2 + b2)`. z1 has mean 0 and deviation 1 over time in each column, its
    gain and offset are `[F]`; z2 the same over the features of each row, its gain and offset
    `[T, 1]`; the shares are never negative (Tran et al. 2021).
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32")

    def build(self, input_shape: tuple[int | None, int, int]) -> None:
        """Gains of one, offsets of zero, equal shares."""
        _, steps, features = input_shape
        self.column_gain = self.add_weight(
            shape=(features,), initializer="ones", name="column_gain"
        )
        self.column_offset = self.add_weight(
            shape=(features,), initializer="zeros", name="column_offset"
        )
        self.row_gain = self.add_weight(shape=(steps, 1), initializer="ones", name="row_gain")
        self.row_offset = self.add_weight(shape=(steps, 1), initializer="zeros", name="row_offset")
        self.shares = self.add_weight(
            shape=(2,),
            initializer=keras.initializers.Constant(0.5),
            constraint=constraints.NonNeg(),
            name="shares",
        )

    def call(self, x: Any) -> Any:
        """Both z-scores, each with its gain and offset, added in their shares."""
        # A price moves little in a window beside its distance from zero. Relative to the last row,
        # which float32 subtracts exactly, its mean is rounded by as little as it moves.
        columns = _standardised(x - x[:, -1:], axis=1) * self.column_gain + self.column_offset
        rows = _standardised(x, axis=2) * self.row_gain + self.row_offset
        return self.shares[0] * columns + self.shares[1] * rows

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again: its name."""
        return {"name": self.name}


def _standardised(x: Any, axis: int) -> Any:
    """Mean 0 and deviation 1 along an axis, less than 1 where next to nothing moves."""
    centred = x - ops.mean(x, axis=axis, keepdims=True)
    variance = ops.mean(ops.square(centred), axis=axis, keepdims=True)
    return centred * ops.rsqrt(variance + VARIANCE)


@keras.saving.register_keras_serializable(package="atb")
class Bilinear(layers.Layer):  # type: ignore[misc]
    """One matrix for time, one for features: `[B, T, F]` to `W2 x W1 + b`, `[B, steps, features]`.

    The bilinear layer of Tran et al. 2019, without its activation.

    Args:
        steps: rows of the output.
        features: columns of the output.
        max_norm: largest norm of the weights of one output row or column.
        settings: what every Keras layer takes.
    """

    def __init__(self, steps: int, features: int, max_norm: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.steps, self.features, self.max_norm = steps, features, max_norm

    def build(self, input_shape: tuple[int | None, int, int]) -> None:
        """Both matrices after Glorot and Bengio 2010, a bias of zero."""
        _, steps, features = input_shape
        self.feature_kernel = self.add_weight(
            shape=(features, self.features),
            constraint=constraints.MaxNorm(self.max_norm, axis=0),
            name="feature_kernel",
        )
        self.time_kernel = self.add_weight(
            shape=(self.steps, steps),
            constraint=constraints.MaxNorm(self.max_norm, axis=1),
            name="time_kernel",
        )
        self.bias = self.add_weight(
            shape=(self.steps, self.features), initializer="zeros", name="bias"
        )

    def call(self, x: Any) -> Any:
        """`[B, T, F]` to `[B, steps, features]`."""
        return ops.matmul(self.time_kernel, ops.matmul(x, self.feature_kernel)) + self.bias

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again."""
        own = {"steps": self.steps, "features": self.features, "max_norm": self.max_norm}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="atb")
class TemporallyAttended(layers.Layer):  # type: ignore[misc]
    """A bilinear layer to one step, in which each column attends to steps of its own.

    `[B, T, F]` to `[B, width]`: `w2 (s a h + (1 - s) h) + b` with `h = x W1`, the attention
    `a = softmax(W h)` over time, in which each step's weight on itself stays 1 / T, and a learned
    share s from 0 to 1 (Tran et al. 2019). It is a last layer, so w2 begins with zeros: see
    `atb.models.heads`.

    Args:
        width: columns of the output.
        max_norm: largest norm of the weights of one column of `W1`, and of `w2`.
        settings: what every Keras layer takes.
    """

    def __init__(self, width: int, max_norm: float, **settings: Any) -> None:
        super().__init__(**settings)
        self.width, self.max_norm = width, max_norm

    def build(self, input_shape: tuple[int | None, int, int]) -> None:
        """Even attention, half of it taken."""
        _, steps, features = input_shape
        limit = constraints.MaxNorm(self.max_norm, axis=0)
        self.kernel = self.add_weight(shape=(features, self.width), constraint=limit, name="kernel")
        self.attention = self.add_weight(
            shape=(steps, steps),
            initializer=keras.initializers.Constant(1 / steps),
            constraint=limit,
            name="attention",
        )
        self.share = self.add_weight(
            shape=(),
            initializer=keras.initializers.Constant(0.5),
            constraint=_between_0_and_1,
            name="share",
        )
        self.time_kernel = self.add_weight(
            shape=(steps, 1), initializer="zeros", constraint=limit, name="time_kernel"
        )
        self.bias = self.add_weight(shape=(self.width,), initializer="zeros", name="bias")
        self.itself = np.eye(steps, dtype=np.float32)

    def call(self, x: Any) -> Any:
        """`[B, T, F]` to `[B, width]`."""
        hidden = ops.matmul(x, self.kernel)
        itself = ops.cast(self.itself, self.compute_dtype)
        weights = self.attention * (1 - itself) + itself / len(self.itself)
        attention = ops.softmax(ops.matmul(weights, hidden), axis=1)
        attended = self.share * attention * hidden + (1 - self.share) * hidden
        return ops.sum(attended * self.time_kernel, axis=1) + self.bias

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again."""
        return {**super().get_config(), "width": self.width, "max_norm": self.max_norm}


def _between_0_and_1(share: Any) -> Any:
    return ops.clip(share, 0.0, 1.0)
