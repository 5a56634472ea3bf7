"""What a decoder sees of an encoder at each step: all of its states, weighted by attention.

Knows states, not what they are of.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.models.decoder import Context


def dot(states: keras.KerasTensor) -> Context:
    """States `[B, T, units]` weighted by the softmax of their dot products with the decoder's.

    The sum passes one batch normalisation, the same at every step (Luong, Pham and Manning 2015,
    arXiv:1508.04025, equation 8; Zhang and Zohren 2021, arXiv:2105.10430).
    """
    attention, norm = layers.Attention(name="attention"), layers.BatchNormalization(name="context")
    row, flat = _reshapes(states)

    def context(state: keras.KerasTensor) -> keras.KerasTensor:
        return norm(flat(attention([row(state), states])))

    return context


def additive(states: keras.KerasTensor) -> Context:
    """States h `[B, T, units]` weighted by the softmax of v tanh(W1 h + W2 s), s the decoder's.

    Bahdanau, Cho and Bengio 2015 (arXiv:1409.0473), appendix A.1.2.
    """
    units = states.shape[-1]
    keys = layers.Dense(units, use_bias=False, name="keys")(states)
    query = layers.Dense(units, use_bias=False, name="query")
    attention = layers.AdditiveAttention(name="attention")
    row, flat = _reshapes(states)

    def context(state: keras.KerasTensor) -> keras.KerasTensor:
        return flat(attention([row(query(state)), states, keys]))

    return context


def _reshapes(states: keras.KerasTensor) -> tuple[layers.Layer, layers.Layer]:
    """`[B, units]` to a series of one step `[B, 1, units]`, and back."""
    units = states.shape[-1]
    return layers.Reshape((1, units), name="row"), layers.Reshape((units,), name="flat")
