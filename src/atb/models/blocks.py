"""Groups of layers that several networks are made of.

Knows shapes and layers, no spec: a network passes the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers

LEAK = 0.01  # slope of a leaky ReLU below zero


def convolution(
    x: keras.KerasTensor, filters: int, kernel: int, pool: int, batch_norm: bool, number: int
) -> keras.KerasTensor:
    """`[B, T, C]` to `[B, ceil(T / pool), filters]`: Conv1D, batch norm, ReLU, max-pool."""
    # Batch norm subtracts the mean, so a bias before it would be trained for nothing.
    x = layers.Conv1D(
        filters, kernel, padding="same", use_bias=not batch_norm, name=f"conv_{number}"
    )(x)
    if batch_norm:
        x = layers.BatchNormalization(name=f"batch_norm_{number}")(x)
    x = layers.ReLU(name=f"relu_{number}")(x)
    # An odd length keeps its last step: "valid" would drop the newest bars, of all bars.
    return layers.MaxPooling1D(pool, padding="same", name=f"pool_{number}")(x) if pool > 1 else x


def dense(
    x: keras.KerasTensor, widths: Sequence[int], dropout: float, slope: float = 0.0
) -> keras.KerasTensor:
    """`[B, C]` to `[B, widths[-1]]`: dense ReLU layers, each with dropout; no widths, no layers.

    Args:
        x: what they read.
        widths: one for each layer.
        dropout: share of each layer's outputs dropped in training.
        slope: of each ReLU below zero.
    """
    for number, width in enumerate(widths, 1):
        x = layers.Dense(width, name=f"dense_{number}")(x)
        x = layers.ReLU(negative_slope=slope, name=f"dense_relu_{number}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dense_dropout_{number}")(x)
    return x


def newest(x: keras.KerasTensor) -> keras.KerasTensor:
    """`[B, T, C]` to `[B, C]`: the last step."""
    x = layers.Cropping1D((x.shape[1] - 1, 0), name="newest")(x)
    return layers.Flatten(name="state")(x)
