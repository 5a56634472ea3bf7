"""Convolutions over time, then dense layers over what they found and where.

The steps are flattened, not averaged: a shape in the newest bars means something else than the same
shape an hour ago. Knows neither target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.architectures import Cnn
from atb.models import blocks


def build(spec: Cnn, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths and kinds of the layers.
        window: bars and features of the input.

    Returns:
        `[B, bars, features]` scaled features to `[B, dense[-1]]`, or without dense layers to
        `[B, steps after pooling x filters[-1]]`.
    """
    inputs = keras.Input(window, name="features")
    hidden = inputs
    for number, (filters, pool) in enumerate(zip(spec.filters, spec.pool, strict=True), 1):
        hidden = blocks.convolution(hidden, filters, spec.kernel, pool, True, number)
    hidden = layers.Flatten(name="flatten")(hidden)
    hidden = layers.Dropout(spec.dropout, name="dropout")(hidden)
    hidden = blocks.dense(hidden, spec.dense, spec.dropout)
    return keras.Model(inputs, hidden, name=spec.architecture)
