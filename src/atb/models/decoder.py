"""A decoder with one step for each horizon, each fed with the answer to the horizon before.

Horizons are few and known, so the steps stand one after the other in the graph: no loop to convert.
Knows an encoder's states and a target, not what was encoded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import keras
from keras import layers, ops

from atb.config.targets import Target
from atb.errors import ConfigError

# The decoder's state `[B, units]` to what it sees of the encoder then, `[B, units]`.
Context = Callable[[keras.KerasTensor], keras.KerasTensor]


@dataclass(frozen=True)
class Encoded:
    """What an LSTM made of a window.

    Attributes:
        states: `[B, T, units]` of every step.
        last: `[B, units]`, the last of them.
        carry: `[B, units]`, the cell's memory after it.
    """

    states: keras.KerasTensor
    last: keras.KerasTensor
    carry: keras.KerasTensor


def encoded(x: keras.KerasTensor, units: int) -> Encoded:
    """`[B, T, C]` through an LSTM."""
    encoder = layers.LSTM(units, return_sequences=True, return_state=True, name="encoder")
    return Encoded(*encoder(x))


def decoded(source: Encoded, context: Context, target: Target) -> keras.KerasTensor:
    """Raw output `[B, K * 3]` float32, horizon after horizon.

    An LSTM that begins with the encoder's state; what it reads at each step is the answer before,
    at first that of class 0, and the context before, at first the encoder's last state; what it
    answers is read from the context and its own state (Zhang and Zohren 2021, arXiv:2105.10430).

    Args:
        source: the encoder's states.
        context: what each step sees of the encoder.
        target: decides the steps, one for each horizon, and the name of the output layer.

    Raises:
        ConfigError: when the target has no three classes.
    """
    _require_classes(target)
    cell = layers.LSTMCell(source.last.shape[-1], name="decoder")
    # Zeros: see atb.models.heads.
    head = layers.Dense(
        target.classes, kernel_initializer="zeros", dtype="float32", name=f"{target.output}_head"
    )
    answer, seen, state = _class_0(source.last, target.classes), source.last, source.last
    carry, raw = source.carry, []
    for step in range(1, len(target.horizons) + 1):
        read = layers.Concatenate(name=f"read_{step}")([answer, seen])
        state, (_, carry) = cell(read, [state, carry])
        seen = context(state)
        raw.append(head(layers.Concatenate(name=f"known_{step}")([seen, state])))
        answer = layers.Softmax(dtype="float32", name=f"answer_{step}")(raw[-1])
    return layers.Concatenate(dtype="float32", name="horizons")(raw)


def _class_0(like: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """`[B, classes]`: one, then zeros."""
    return ops.pad(ops.ones_like(like[:, :1]), ((0, 0), (0, classes - 1)))


def _require_classes(target: Target) -> None:
    if target.classes < 3:
        raise ConfigError(
            f"a decoder is fed with probabilities of three classes, {target.kind!r} has none",
            where="target.kind",
            remedy="use mid_price, or a network without a decoder: deeplob",
        )
