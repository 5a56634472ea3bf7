"""Dilated causal convolutions, then transformer blocks over steps that know their place.

After Wallbridge 2020, "Transformers for limit order books" (arXiv:2003.00130): layer norm after
each part, every step attends to itself and earlier ones, and as in the author's code the blocks
share their weights. Knows neither target nor training.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from keras import layers, ops, regularizers

from atb.config.book_architectures import TransLob

DILATIONS = (1, 2, 4, 8, 16)
KERNEL = 2


def build(spec: TransLob, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths, blocks, heads, dropout, penalty.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, dense]`.
    """
    inputs = keras.Input(window, name="features")
    hidden = inputs
    for dilation in DILATIONS:
        hidden = layers.Conv1D(
            spec.filters,
            KERNEL,
            padding="causal",
            dilation_rate=dilation,
            activation="relu",
            name=f"conv_{dilation}",
        )(hidden)
    hidden = _placed(layers.LayerNormalization(name="layer_norm")(hidden))
    block = _block(spec)
    for _ in range(spec.blocks):
        hidden = block(hidden)
    penalty = regularizers.L2(spec.l2)
    dense = layers.Dense(spec.dense, "relu", kernel_regularizer=penalty, name="dense")
    hidden = dense(layers.Flatten(name="flatten")(hidden))
    hidden = layers.Dropout(spec.dropout, name="dropout")(hidden)
    return keras.Model(inputs, hidden, name=spec.architecture)


def _placed(x: keras.KerasTensor) -> keras.KerasTensor:
    """`[B, T, C]` to `[B, T, C + 1]`: a last column that rises from -1 to 1."""
    _, steps, width = x.shape
    table = np.zeros((steps, width + 1))
    table[:, -1] = np.linspace(-1, 1, steps)
    widened = ops.pad(x, ((0, 0), (0, 0), (0, 1)))
    return layers.Rescaling(1.0, table.tolist(), name="positions")(widened)


def _block(spec: TransLob) -> Callable[[keras.KerasTensor], keras.KerasTensor]:
    """Attention and two dense layers at each step, each added to its input and normalised."""
    width = spec.filters + 1
    attention = layers.MultiHeadAttention(
        spec.heads, width // spec.heads, use_bias=False, name="attention"
    )
    read_norm = layers.LayerNormalization(name="read_norm")
    wide = layers.Dense(spec.feed_forward, activation="relu", name="wide")
    narrow = layers.Dense(width, name="narrow")
    norm = layers.LayerNormalization(name="norm")

    def block(x: keras.KerasTensor) -> keras.KerasTensor:
        read = read_norm(layers.add([x, attention(x, x, use_causal_mask=True)]))
        return norm(layers.add([read, narrow(wide(read))]))

    return block
