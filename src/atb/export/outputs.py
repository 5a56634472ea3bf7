"""What a serving graph gives: the signal first, the features of the last row, perhaps quantiles.

The features leave unscaled, so that what a model sees can be compared with what it learned from
where there is no TensorFlow. Knows which layer computes them, not what they mean.
"""

from __future__ import annotations

import keras

from atb.features.layer import FeatureSet
from atb.registry.served import FEATURES, QUANTILES


def by_name(serving: keras.Model) -> keras.Model:
    """The same model, with its outputs in a dictionary.

    Args:
        serving: one input; the layers that give its outputs name them, the signal first.

    Returns:
        Rows `[B, T + lookback, C]` to each output under its name, and to `features` `[B, F]`
        float32 of the last row where a layer of the model computes features.
    """
    outputs = dict(zip(serving.output_names, serving.outputs, strict=True))
    for layer in serving.layers:
        if isinstance(layer, FeatureSet):
            outputs[FEATURES] = layer.output[:, -1]
    return keras.Model(serving.inputs, outputs)


def place(name: str) -> int:
    """Where an output of this name stands in a graph, from 0."""
    return (FEATURES, QUANTILES).index(name) + 1 if name in (FEATURES, QUANTILES) else 0
