"""A straight line from the flattened window: nothing between it and the head.

Its weights are found by `atb.tabular`; as a network it is served like any other. Knows neither
target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.book_architectures import Linear


def build(spec: Linear, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: decides how the weights are found, not what the network is.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, rows * features]`, row after row.
    """
    inputs = keras.Input(window, name="features")
    return keras.Model(inputs, layers.Flatten(name="flatten")(inputs), name=spec.architecture)
