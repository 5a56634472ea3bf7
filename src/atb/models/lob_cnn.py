"""Convolutions over all columns of a book and time, with max-pools between them.

After Tsantekidis et al. 2017, "Forecasting Stock Prices from the Limit Order Book using
Convolutional Neural Networks" (IEEE Conference on Business Informatics). The first convolution
spans all columns, so it is one along time with the columns as channels. Every convolution keeps the
length of its input, which the paper does not say. Knows neither target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.book_architectures import LobCnn
from atb.models import blocks

KERNELS = (4, 4, 3, 3)
POOLED = (2, 4)  # the convolutions with a max-pool of 2 after them


def build(spec: LobCnn, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths of its layers.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, dense]`.
    """
    inputs = keras.Input(window, name="features")
    hidden = inputs
    for number, (filters, kernel) in enumerate(zip(spec.filters, KERNELS, strict=True), 1):
        convolution = layers.Conv1D(filters, kernel, padding="same", name=f"conv_{number}")
        hidden = layers.LeakyReLU(blocks.LEAK, name=f"relu_{number}")(convolution(hidden))
        if number in POOLED:
            hidden = layers.MaxPooling1D(2, padding="same", name=f"pool_{number}")(hidden)
    hidden = layers.Flatten(name="flatten")(hidden)
    hidden = blocks.dense(hidden, (spec.dense,), spec.dropout, blocks.LEAK)
    return keras.Model(inputs, hidden, name=spec.architecture)
