"""What both DeepLOBs look at a book with: convolutions over its levels, then an inception module.

After Zhang, Zohren and Roberts 2019, "DeepLOB: Deep Convolutional Neural Networks for Limit Order
Books" (arXiv:1808.03668), figure 3. Each convolution across the columns has a meaning: the first
puts each price with its size, the second both sides of a level, the third all levels. Knows neither
recurrence nor target.
"""

from __future__ import annotations

import keras
from keras import layers, ops

from atb.config.book_architectures import DeepLobTrunk
from atb.errors import ConfigError
from atb.models.blocks import LEAK

LEVEL = 4  # columns of one: ask price, ask size, bid price, bid size
REACH = 4  # rows of each convolution along time


def trunk(inputs: keras.KerasTensor, spec: DeepLobTrunk) -> keras.KerasTensor:
    """`[B, rows, 4 x levels]` of a book to `[B, rows, 3 x inception]`.

    Raises:
        ConfigError: when the columns are not those of whole levels.
    """
    rows, columns = inputs.shape[1:]
    if columns % LEVEL:
        raise ConfigError(
            f"DeepLOB puts the {LEVEL} columns of each level together, {columns} are no multiple",
            where="features",
            remedy="use features of whole levels: lob40",
        )
    hidden = layers.Reshape((rows, columns, 1), name="book")(inputs)
    for number, width in enumerate((2, 2, columns // LEVEL), 1):
        hidden = _block(hidden, spec.filters, width, number)
    hidden = layers.Reshape((rows, spec.filters), name="rows")(hidden)
    hidden = _inception(hidden, spec.inception)
    return layers.SpatialDropout1D(spec.dropout, name="dropout")(hidden)


def _block(x: keras.KerasTensor, filters: int, width: int, number: int) -> keras.KerasTensor:
    """`[B, T, W, C]` to `[B, T, W / width, filters]`: `width` columns put together, then time."""
    _, rows, columns, channels = x.shape
    # A convolution of `width` columns by steps of `width` is a dense layer over each such group,
    # and several times faster as one.
    x = layers.Reshape((rows, columns // width, width * channels), name=f"group_{number}")(x)
    x = layers.Dense(filters, name=f"across_{number}")(x)
    x = layers.LeakyReLU(LEAK, name=f"across_relu_{number}")(x)
    for part in ("a", "b"):
        along = layers.Conv2D(filters, (REACH, 1), padding="same", name=f"along_{number}{part}")
        x = layers.LeakyReLU(LEAK, name=f"along_relu_{number}{part}")(along(x))
    return x


def _inception(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """`[B, T, C]` to `[B, T, 3 x filters]`: two reaches along time and a max-pool, side by side."""
    short = _conv(_conv(x, filters, 1, "short_in"), filters, 3, "short")
    long = _conv(_conv(x, filters, 1, "long_in"), filters, 5, "long")
    branches = [short, long, _conv(_pooled(x), filters, 1, "pooled")]
    return layers.Concatenate(name="inception")(branches)


def _pooled(x: keras.KerasTensor) -> keras.KerasTensor:
    """`[B, T, C]` to the same shape: the largest of each step and the two beside it.

    What a max-pool of 3 with stride 1 computes; the gradient of that one has no deterministic form
    in XLA.
    """
    before = ops.concatenate([x[:, :1], x[:, :-1]], axis=1)
    after = ops.concatenate([x[:, 1:], x[:, -1:]], axis=1)
    return layers.Maximum(name="pool")([before, x, after])


def _conv(x: keras.KerasTensor, filters: int, reach: int, name: str) -> keras.KerasTensor:
    x = layers.Conv1D(filters, reach, padding="same", name=name)(x)
    return layers.LeakyReLU(LEAK, name=f"{name}_relu")(x)
