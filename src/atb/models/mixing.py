"""Parts that work along one axis of a window and then along the other, and how they end.

After Berti and Kasneci 2025, "TLOB: A Novel Transformer Model with Dual Attention for Price Trend
Prediction with Limit Order Book Data" (arXiv:2502.15757). Knows shapes and layers, no spec.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

SHRINK = 4  # of both axes in the last pair, and of the width at each layer towards the end
NARROW = 128

# `[B, n, C]`, the width to leave with, and a name, to `[B, n, width]`.
Part = Callable[[keras.KerasTensor, int, str], keras.KerasTensor]


@keras.saving.register_keras_serializable(package="atb")  # type: ignore[untyped-decorator]
def gelu(x: Any) -> Any:
    """`x / 2 (1 + erf(x / sqrt(2)))` (Hendrycks and Gimpel 2016, arXiv:1606.08415).

    Keras writes it with the complementary error function, which ONNX does not have.
    """
    return 0.5 * x * (1.0 + ops.erf(x / math.sqrt(2.0)))


def in_turn(x: keras.KerasTensor, pairs: int, part: Part) -> keras.KerasTensor:
    """Features and time in turn, `[B, T, W]` to a quarter of both, `[B, T // 4, W // 4]`."""
    _, steps, width = x.shape
    for number in range(1, pairs + 1):
        if number == pairs:
            steps, width = max(steps // SHRINK, 1), max(width // SHRINK, 1)
        x = layers.Permute((2, 1), name=f"turned_{number}")(part(x, width, f"{number}a"))
        x = layers.Permute((2, 1), name=f"returned_{number}")(part(x, steps, f"{number}b"))
    return x


def mixed(x: keras.KerasTensor, width: int, dropout: float, name: str) -> keras.KerasTensor:
    """Two dense layers with GELU, layer norm, GELU: `[B, n, C]` to `[B, n, width]`.

    The input is added before the norm where the width stays what it is.
    """
    hidden = layers.Dense(4 * x.shape[-1], activation=gelu, name=f"wide_{name}")(x)
    hidden = layers.Dense(width, name=f"narrow_{name}")(hidden)
    hidden = layers.Dropout(dropout, name=f"dropout_{name}")(hidden)
    if width == x.shape[-1]:
        hidden = layers.Add(name=f"added_{name}")([x, hidden])
    hidden = layers.LayerNormalization(name=f"layer_norm_{name}")(hidden)
    return layers.Activation(gelu, name=f"gelu_{name}")(hidden)


def narrowed(x: keras.KerasTensor) -> keras.KerasTensor:
    """`[B, n, C]` to `[B, 128]` or less: dense GELU layers, each a quarter as wide."""
    x = layers.Flatten(name="flatten")(x)
    while (width := x.shape[-1]) > NARROW:
        width //= SHRINK
        x = layers.Dense(width, activation=gelu, name=f"dense_{width}")(x)
    return x
