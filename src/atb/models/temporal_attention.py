"""Convolutions of several reaches side by side, an LSTM encoder, a decoder that attends to it.

The reaches let an event and the run it is part of be seen at once, as in the inception module of
DeepLOB; the attention is that of Bahdanau, Cho and Bengio 2015 (arXiv:1409.0473), one step of the
decoder for each horizon. Knows the classes of a target, not what they are of.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.book_architectures import TemporalAttention
from atb.config.targets import Target
from atb.models import attention
from atb.models.decoder import decoded, encoded


def network(spec: TemporalAttention, target: Target, window: tuple[int, int]) -> keras.Model:
    """The whole network of a spec: its answers are fed back into it, so it has its own head.

    Args:
        spec: widths and reaches of its parts.
        target: three classes of any number of horizons.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, K * 3]` float32 raw output.

    Raises:
        ConfigError: when the target has no three classes.
    """
    inputs = keras.Input(window, name="features")
    scales = [_convolution(inputs, spec.filters, kernel) for kernel in spec.kernels]
    hidden = layers.Concatenate(name="scales")(scales)
    source = encoded(layers.Dropout(spec.dropout, name="dropout")(hidden), spec.units)
    raw = decoded(source, attention.additive(source.states), target)
    return keras.Model(inputs, raw, name=spec.architecture)


def _convolution(x: keras.KerasTensor, filters: int, kernel: int) -> keras.KerasTensor:
    return layers.Conv1D(
        filters, kernel, padding="same", activation="relu", name=f"convolution_{kernel}"
    )(x)
