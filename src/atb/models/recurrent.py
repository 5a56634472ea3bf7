"""Recurrent layers, then dense layers: what `gru`, `lstm` and `bilstm` share.

Knows neither target nor training.
"""

from __future__ import annotations

from typing import TypeAlias

import keras
from keras import layers

from atb.config.architectures import Recurrent
from atb.models import blocks

Cell: TypeAlias = type[layers.GRU] | type[layers.LSTM]


def network(
    spec: Recurrent, name: str, window: tuple[int, int], cell: Cell, both_ways: bool
) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths of the layers and what is dropped between them.
        name: of the model; its layers are numbered.
        window: bars and features of the input.
        cell: the recurrent layer's class.
        both_ways: every recurrent layer also runs backwards in the window.

    Returns:
        `[B, bars, features]` scaled features to `[B, dense[-1]]`, or without dense layers to
        `[B, units[-1] x directions]`.
    """
    inputs = keras.Input(window, name="features")
    hidden = inputs
    for number, units in enumerate(spec.units, 1):
        layer = cell(
            units,
            return_sequences=number < len(spec.units),
            recurrent_dropout=spec.recurrent_dropout,
            name=f"{cell.__name__.lower()}_{number}",
        )
        if both_ways:
            layer = layers.Bidirectional(layer, name=f"bidirectional_{number}")
        hidden = layers.Dropout(spec.dropout, name=f"dropout_{number}")(layer(hidden))
    return keras.Model(inputs, blocks.dense(hidden, spec.dense, spec.dropout), name=name)
