"""The last layer of every network, and what belongs to it: the loss and the output's meaning.

Knows what is predicted, not by which backbone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import keras

from atb.config.targets import Target


@dataclass(frozen=True)
class Head:
    """What an output asks of the network that makes it.

    Attributes:
        activation: Keras activation from the unscaled raw output to the served one.
        loss: Keras loss on the raw output.
    """

    activation: str
    loss: keras.losses.Loss


# One head for each `output` a target can have.
HEADS: Mapping[str, Head] = {
    "return": Head("linear", keras.losses.MeanSquaredError()),
    "probability": Head("sigmoid", keras.losses.BinaryCrossentropy(from_logits=True)),
}


def loss(target: Target) -> keras.losses.Loss:
    """The loss to fit on: squared error of the standardised value, or cross-entropy of a logit."""
    return HEADS[target.output].loss


def attach(backbone: keras.Model, target: Target) -> keras.Model:
    """The backbone with one linear output unit, in float32 whatever precision the backbone has.

    Args:
        backbone: any input to `[B, width]`.
        target: names the output layer.

    Returns:
        The same input to `[B, 1]` float32 raw output.
    """
    # Zeros make an untrained network predict the mean (or even odds), which is close to the best
    # there is for market returns: training starts at the naive loss and has nothing to unlearn.
    # The layers below wait one step for their first gradient, until this kernel has moved.
    output = keras.layers.Dense(
        1, kernel_initializer="zeros", dtype="float32", name=f"{target.output}_head"
    )
    return keras.Model(backbone.input, output(backbone.output), name=backbone.name)
