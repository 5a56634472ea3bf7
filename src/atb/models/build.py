"""From a spec to an uncompiled network: the architecture's backbone with the target's head.

Knows that an architecture's file carries its name, not what any architecture looks like.
"""

from __future__ import annotations

from importlib import import_module

import keras

from atb.config.architectures import Architecture
from atb.config.targets import Target
from atb.models import heads


def network(spec: Architecture, target: Target, window: tuple[int, int]) -> keras.Model:
    """The network of a spec, uncompiled; its initial weights come from Keras's global seed alone.

    Args:
        spec: the architecture and its widths; built by `atb.models.<spec.architecture>.build`.
        target: decides the head.
        window: bars and features of the input.

    Returns:
        `[B, bars, features]` float32 scaled features to `[B, K * L]` float32 raw output: the
        standardised value of each horizon, the logit of a rise, or the logits of three classes.
    """
    architecture = import_module(f"atb.models.{spec.architecture}")
    return heads.attach(architecture.build(spec, window), target)
