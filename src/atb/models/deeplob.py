"""DeepLOB: convolutions over the levels of a book, an inception module, an LSTM.

After Zhang, Zohren and Roberts 2019 (arXiv:1808.03668). Knows neither target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.book_architectures import DeepLob
from atb.models.deeplob_trunk import trunk


def build(spec: DeepLob, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths of its parts.
        window: rows and columns of the input, four columns for each level.

    Returns:
        `[B, rows, columns]` scaled levels to `[B, units]`.

    Raises:
        ConfigError: when the columns are not those of whole levels.
    """
    inputs = keras.Input(window, name="features")
    state = layers.LSTM(spec.units, name="lstm")(trunk(inputs, spec))
    return keras.Model(inputs, state, name=spec.architecture)
