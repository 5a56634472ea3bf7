"""Attention among the steps of a window, then among its features, and so on.

TLOB of Berti and Kasneci 2025 (arXiv:2502.15757). Their code projects twice in a row on the way
into each attention and twice on the way out; two linear maps are one, so here it is one. Knows
neither target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.book_architectures import Tlob
from atb.models import mixing
from atb.models.bilinear import BilinearNormalisation
from atb.models.transformer import sinusoids


def build(spec: Tlob, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: width, number of pairs, heads, dropout.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, 128]` or less.
    """
    inputs = keras.Input(window, name="features")
    hidden = BilinearNormalisation(name="normalised")(inputs)
    hidden = layers.Dense(spec.width, name="embedding")(hidden)
    table = sinusoids(window[0], spec.width).tolist()
    hidden = layers.Rescaling(1.0, table, name="positions")(hidden)

    def block(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
        return _block(x, width, spec, name)

    hidden = mixing.narrowed(mixing.in_turn(hidden, spec.layers, block))
    return keras.Model(inputs, hidden, name=spec.architecture)


def _block(x: keras.KerasTensor, width: int, spec: Tlob, name: str) -> keras.KerasTensor:
    """`[B, n, C]` to `[B, n, width]`: what the n read from each other, mixed.

    The input is added at the end too where the width stays what it is.
    """
    # No biases: a key's cancels in the softmax, and what follows has biases of its own.
    attention = layers.MultiHeadAttention(
        spec.heads, x.shape[-1], use_bias=False, name=f"attention_{name}"
    )
    read = layers.Dropout(spec.dropout, name=f"read_dropout_{name}")(attention(x, x))
    read = layers.Add(name=f"attended_{name}")([x, read])
    read = layers.LayerNormalization(name=f"read_norm_{name}")(read)
    hidden = mixing.mixed(read, width, spec.dropout, name)
    return layers.Add(name=f"block_{name}")([x, hidden]) if width == x.shape[-1] else hidden
