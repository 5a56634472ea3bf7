"""From a spec to a Keras optimiser, with its schedule, clipping and weight decay.

Knows no network: what decays is decided by the names of variables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras

from atb.config.optimisation import Adam, AdamW, AnyOptimizer, Optimisation, RmsProp, Sgd
from atb.training import schedule
from atb.training.schedule import Rate

# Keras matches this against `bias` or against `dense/bias:0`, as the backend has it, so that a bare
# name would also exempt the kernels of any layer called, say, `beta_lstm`.
UNDECAYED = r"(^|/)(bias|gamma|beta)(/replica_\d+)?(:\d+)?$"


def build(spec: Optimisation, steps: int, policy: str) -> keras.optimizers.Optimizer:
    """The optimiser of one training; each `apply` is one step of its schedule.

    Gradients are clipped by their global norm after the loss scale is divided out. Weight decay is
    decoupled: before each update a kernel loses learning rate times decay of itself, while biases
    and the scales and offsets of normalisation lose nothing. What is exempt is no part of the
    optimiser's Keras config: continue with one built here and given the saved variables.

    Args:
        spec: kind of optimiser, schedule and epochs.
        steps: of the optimiser, in an epoch.
        policy: Keras dtype policy of the network; under `mixed_float16` the loss is scaled, and a
            step whose gradients overflow is skipped while the scale halves.
    """
    chosen = _of_each_device(spec.optimizer, spec.hardware.devices)
    optimizer = BUILDERS[chosen.kind](chosen, schedule.build(spec, steps))
    optimizer.exclude_from_weight_decay(var_names=[UNDECAYED])
    scaled = policy == "mixed_float16"
    return keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer


def _of_each_device(spec: AnyOptimizer, devices: int) -> AnyOptimizer:
    """The same clipping where each device clips its part of a gradient that is summed then."""
    if spec.clip_norm is None:
        return spec
    return spec.model_copy(update={"clip_norm": spec.clip_norm / devices})


def _adam(spec: Adam, rate: Rate) -> keras.optimizers.Optimizer:
    """Kingma and Ba 2015, in the form before their section 2.1: epsilon beside sqrt(v)."""
    return keras.optimizers.Adam(rate, global_clipnorm=spec.clip_norm)


def _adamw(spec: AdamW, rate: Rate) -> keras.optimizers.Optimizer:
    """Loshchilov and Hutter 2019, algorithm 2."""
    return keras.optimizers.AdamW(
        rate, weight_decay=spec.weight_decay, global_clipnorm=spec.clip_norm
    )


def _sgd(spec: Sgd, rate: Rate) -> keras.optimizers.Optimizer:
    """Velocity = momentum * velocity - rate * gradient; the weight moves by the velocity."""
    return keras.optimizers.SGD(
        rate,
        momentum=spec.momentum,
        weight_decay=spec.weight_decay or None,
        global_clipnorm=spec.clip_norm,
    )


def _rmsprop(spec: RmsProp, rate: Rate) -> keras.optimizers.Optimizer:
    """Tieleman and Hinton 2012: the gradient over the root of its mean square, epsilon inside."""
    return keras.optimizers.RMSprop(
        rate,
        momentum=spec.momentum,
        weight_decay=spec.weight_decay or None,
        global_clipnorm=spec.clip_norm,
    )


BUILDERS: Mapping[str, Callable[[Any, Rate], keras.optimizers.Optimizer]] = {
    "adam": _adam,
    "adamw": _adamw,
    "sgd": _sgd,
    "rmsprop": _rmsprop,
}
