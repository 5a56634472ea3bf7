"""Transformer encoder: every step of the window attends to every other, or to earlier ones only.

After Vaswani et al. 2017 (arXiv:1706.03762), with layer norm before each part instead of after it,
which trains without the long warm-up the original needs (Xiong et al. 2020, arXiv:2002.04745).
The newest step is what leaves. It attends to the whole window from the bar the prediction is for,
causal or not; a mean would weigh the oldest step like the newest, and in a causal encoder would mix
in steps that have seen next to nothing. Knows neither target nor training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import layers

from atb.config.architectures import Transformer
from atb.models import blocks


def build(spec: Transformer, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: width, heads, blocks, kind of positions.
        window: bars and features of the input.

    Returns:
        `[B, bars, features]` scaled features to `[B, dense[-1]]`, or without dense layers to
        `[B, width]`.
    """
    inputs = keras.Input(window, name="features")
    hidden = layers.Dropout(spec.dropout, name="dropout")(POSITIONS[spec.positions](inputs, spec))
    for number in range(1, spec.blocks + 1):
        hidden = _attention(hidden, spec, number)
        hidden = _feed_forward(hidden, spec, number)
    hidden = layers.LayerNormalization(name="layer_norm")(blocks.newest(hidden))
    hidden = blocks.dense(hidden, spec.dense, spec.dropout)
    return keras.Model(inputs, hidden, name=spec.architecture)


def _attention(x: keras.KerasTensor, spec: Transformer, number: int) -> keras.KerasTensor:
    """`[B, T, width]` to the same shape: what each step reads from the others, added to it."""
    normed = layers.LayerNormalization(name=f"layer_norm_{number}a")(x)
    # No biases: a key's cancels in the softmax, and what follows has biases of its own.
    attention = layers.MultiHeadAttention(
        spec.heads,
        spec.width // spec.heads,
        dropout=spec.dropout,
        use_bias=False,
        name=f"attention_{number}",
    )
    read = attention(normed, normed, use_causal_mask=spec.causal)
    read = layers.Dropout(spec.dropout, name=f"dropout_{number}a")(read)
    return layers.Add(name=f"attended_{number}")([x, read])


def _feed_forward(x: keras.KerasTensor, spec: Transformer, number: int) -> keras.KerasTensor:
    """`[B, T, width]` to the same shape: two dense layers at each step, added to it."""
    hidden = layers.LayerNormalization(name=f"layer_norm_{number}b")(x)
    hidden = layers.Dense(spec.feed_forward, activation="relu", name=f"wide_{number}")(hidden)
    hidden = layers.Dense(spec.width, name=f"narrow_{number}")(hidden)
    hidden = layers.Dropout(spec.dropout, name=f"dropout_{number}b")(hidden)
    return layers.Add(name=f"transformed_{number}")([x, hidden])


def _learned(inputs: keras.KerasTensor, spec: Transformer) -> keras.KerasTensor:
    """`[B, T, F]` to `[B, T, width]`: a projection whose bias is one learned row for each step."""
    shape = (inputs.shape[1], spec.width)
    project = layers.EinsumDense("btf,fw->btw", shape, bias_axes="tw", name="embedding")
    return project(inputs)


def _sinusoidal(inputs: keras.KerasTensor, spec: Transformer) -> keras.KerasTensor:
    """`[B, T, F]` to `[B, T, width]`: a projection plus fixed sines and cosines of the step."""
    embedded = layers.Dense(spec.width, name="embedding")(inputs)
    table = sinusoids(inputs.shape[1], spec.width).tolist()
    return layers.Rescaling(1.0, table, name="positions")(embedded)


def sinusoids(steps: int, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Positions `[steps, width]` float32 after Vaswani et al. 2017, section 3.5.

    Column 2i of step t is sin(t / 10000^(2i / width)), column 2i + 1 the cosine of the same angle.
    """
    columns = np.arange(width)
    angles = np.arange(steps)[:, None] / 10_000 ** ((columns - columns % 2) / width)
    return np.where(columns % 2, np.cos(angles), np.sin(angles)).astype(np.float32)


Embedding = Callable[[keras.KerasTensor, Transformer], keras.KerasTensor]
POSITIONS: Mapping[str, Embedding] = {"learned": _learned, "sinusoidal": _sinusoidal}
