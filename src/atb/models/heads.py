"""The last layer of every network, and how its raw output becomes what is served.

Knows what is predicted, not by which backbone.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras

from atb.config.targets import Target

# The step from raw output to served output, for each `output` a target can have.
ACTIVATIONS: Mapping[str, str] = {
    "return": "linear",
    "probability": "sigmoid",
    "probabilities": "softmax",
    "log_volatility": "linear",
    "move": "linear",
}


def logits(target: Target) -> int:
    """Raw outputs for each horizon: one of a quantity or a yes, else one of each class."""
    return target.classes if target.classes > 2 else 1


def attach(backbone: keras.Model, target: Target) -> keras.Model:
    """The backbone with one linear output layer, in float32 whatever precision the backbone has.

    Args:
        backbone: any input to `[B, width]`.
        target: names the output layer and decides its width.

    Returns:
        The same input to `[B, K * L]` float32 raw output, horizon after horizon: K horizons of L
        logits each.
    """
    # Zeros make an untrained network predict the mean (or even odds), which is close to the best
    # there is for market returns: training starts at the naive loss and has nothing to unlearn.
    # The layers below wait one step for their first gradient, until this kernel has moved.
    output = keras.layers.Dense(
        len(target.horizons) * logits(target),
        kernel_initializer="zeros",
        dtype="float32",
        name=f"{target.output}_head",
    )
    return keras.Model(backbone.input, output(backbone.output), name=backbone.name)
