"""Dense layers over the whole window at once.

It has no idea of time: a bar's place is a column like any other. Knows neither target nor training.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
from keras import layers

from atb.config.architectures import Mlp
from atb.models import blocks

SLOPES: Mapping[str, float] = {"relu": 0.0, "leaky_relu": blocks.LEAK}  # below zero


def build(spec: Mlp, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths of the layers.
        window: bars and features of the input.

    Returns:
        `[B, bars, features]` scaled features to `[B, dense[-1]]`.
    """
    inputs = keras.Input(window, name="features")
    flat = layers.Flatten(name="flatten")(inputs)
    hidden = blocks.dense(flat, spec.dense, spec.dropout, SLOPES[spec.activation])
    return keras.Model(inputs, hidden, name=spec.architecture)
