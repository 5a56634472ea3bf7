"""What a serving graph gives: the signal first, then the features of the last row.

The features leave unscaled, so that what a model sees can be compared with what it learned from
where there is no TensorFlow. Knows which layer computes them, not what they mean.
"""

from __future__ import annotations

import keras

from atb.features.layer import FeatureSet
from atb.registry.served import FEATURES


def by_name(serving: keras.Model) -> keras.Model:
    """The same model, with its outputs in a dictionary.

    Args:
        serving: one input, one output; its last layer names the signal.

    Returns:
        Rows `[B, T + lookback, C]` to the signal under its name, and to `features` `[B, F]` float32
        of the last row where a layer of the model computes features.
    """
    outputs = {serving.layers[-1].name: serving.output}
    for layer in serving.layers:
        if isinstance(layer, FeatureSet):
            outputs[FEATURES] = layer.output[:, -1]
    return keras.Model(serving.inputs, outputs)
