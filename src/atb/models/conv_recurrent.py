"""Convolutions over time, then recurrent layers, then dense layers.

Convolutions find short shapes and pooling shortens the sequence, so that the recurrent layers,
which cost by the step, read a fraction of the bars. The presets fast, balanced, quality and legacy
are four specs of this network. Knows neither target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.architectures import ConvRecurrent
from atb.models import blocks

KERNEL = 3
CELLS = {"gru": layers.GRU, "lstm": layers.LSTM}


def build(spec: ConvRecurrent, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths and kinds of the layers.
        window: bars and features of the input.

    Returns:
        `[B, bars, features]` scaled features to `[B, dense[-1] or units[-1]]`.
    """
    inputs = keras.Input(window, name="features")
    hidden = inputs
    for number, (filters, pool) in enumerate(zip(spec.filters, spec.pool, strict=True), 1):
        hidden = blocks.convolution(hidden, filters, KERNEL, pool, spec.batch_norm, number)
    for number in range(1, len(spec.units) + 1):
        hidden = _recurrence(hidden, spec, number)
    hidden = blocks.dense(hidden, spec.dense, dropout=0.0)
    return keras.Model(inputs, hidden, name=spec.architecture)


def _recurrence(x: keras.KerasTensor, spec: ConvRecurrent, number: int) -> keras.KerasTensor:
    """`[B, T, C]` to `[B, T, units]`, or `[B, units]` after the last: cell, layer norm, dropout."""
    last = number == len(spec.units)
    layer = CELLS[spec.cell](
        spec.units[number - 1], return_sequences=not last, name=f"{spec.cell}_{number}"
    )
    if number <= spec.bidirectional:
        layer = layers.Bidirectional(layer, name=f"bidirectional_{number}")
    x = layer(x)
    if spec.layer_norm and not last:
        x = layers.LayerNormalization(name=f"layer_norm_{number}")(x)
    return layers.Dropout(spec.dropout, name=f"dropout_{number}")(x)
