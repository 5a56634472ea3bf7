"""Dense layers that mix the features of each step, then the steps of each feature, and so on.

MLPLOB of Berti and Kasneci 2025 (arXiv:2502.15757), the last pair with wide layers of four times
their width like all others. Knows neither target nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.book_architectures import MlpLob
from atb.models import mixing
from atb.models.bilinear import BilinearNormalisation


def build(spec: MlpLob, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: width, number of pairs, dropout.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, 128]` or less.
    """
    inputs = keras.Input(window, name="features")
    hidden = BilinearNormalisation(name="normalised")(inputs)
    hidden = layers.Dense(spec.width, activation=mixing.gelu, name="embedding")(hidden)

    def mixer(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
        return mixing.mixed(x, width, spec.dropout, name)

    hidden = mixing.narrowed(mixing.in_turn(hidden, spec.layers, mixer))
    return keras.Model(inputs, hidden, name=spec.architecture)
