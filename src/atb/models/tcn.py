"""Temporal convolutional network: residual blocks of dilated causal convolutions.

After Bai, Kolter and Koltun 2018, "An Empirical Evaluation of Generic Convolutional and Recurrent
Networks for Sequence Modeling" (arXiv:1803.01271), figure 1, without its weight normalisation,
which is another way to learn the same functions. Every step sees itself and earlier ones only; the
last, which sees most, is what leaves. Knows neither target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.architectures import Tcn
from atb.models import blocks


def build(spec: Tcn, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths of the blocks, kernel, dropout.
        window: bars and features of the input.

    Returns:
        `[B, bars, features]` scaled features to `[B, dense[-1]]`, or without dense layers to
        `[B, filters[-1]]`.
    """
    inputs = keras.Input(window, name="features")
    hidden = inputs
    for number, filters in enumerate(spec.filters, 1):
        hidden = _block(hidden, filters, spec, number)
    hidden = blocks.dense(blocks.newest(hidden), spec.dense, spec.dropout)
    return keras.Model(inputs, hidden, name=spec.architecture)


def _block(x: keras.KerasTensor, filters: int, spec: Tcn, number: int) -> keras.KerasTensor:
    """`[B, T, C]` to `[B, T, filters]`: two dilated convolutions, and a way around them."""
    around = x
    if x.shape[-1] != filters:
        around = layers.Conv1D(filters, 1, name=f"around_{number}")(x)
    for part in ("a", "b"):
        x = layers.Conv1D(
            filters,
            spec.kernel,
            padding="causal",
            dilation_rate=2 ** (number - 1),
            activation="relu",
            kernel_initializer="he_normal",
            name=f"conv_{number}{part}",
        )(x)
        x = layers.SpatialDropout1D(spec.dropout, name=f"dropout_{number}{part}")(x)
    return layers.ReLU(name=f"relu_{number}")(layers.Add(name=f"block_{number}")([x, around]))
