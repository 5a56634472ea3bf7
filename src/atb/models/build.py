"""From a spec to an uncompiled network: the architecture's backbone with the target's head.

An architecture whose answers are fed back into it cannot wait for a head: it is whole already.

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
        spec: the architecture and its widths; built by `atb.models.<spec.architecture>`, whole by
            its `network(spec, target, window)` or without a head by its `build(spec, window)`.
        target: decides the head.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` float32 scaled features to `[B, K * L]` float32 raw output: the
        standardised value of each horizon, the logit of a rise, or the logits of three classes.

    Raises:
        ConfigError: when the architecture cannot read such a window or predict such a target.
    """
    architecture = import_module(f"atb.models.{spec.architecture}")
    if hasattr(architecture, "network"):
        whole: keras.Model = architecture.network(spec, target, window)
        return whole
    return heads.attach(architecture.build(spec, window), target)
