"""Bilinear normalisation, bilinear layers, temporal attention.

BiN-CTABL: Tran et al. 2021 (arXiv:2003.00598) before Tran et al. 2019, topology C
(arXiv:1712.00975). The attention belongs to the answers: each of them attends to steps of its own,
so this network brings its own last layer. Knows neither market nor training.
"""

from __future__ import annotations

import keras
from keras import layers

from atb.config.book_architectures import BinCtabl
from atb.config.targets import Target
from atb.models.bilinear import Bilinear, BilinearNormalisation, TemporallyAttended
from atb.models.heads import logits


def network(spec: BinCtabl, target: Target, window: tuple[int, int]) -> keras.Model:
    """The whole network of a spec.

    Args:
        spec: shapes of the bilinear layers, dropout, largest norms.
        target: decides the answers.
        window: rows and features of the input.

    Returns:
        `[B, rows, features]` scaled features to `[B, K * L]` float32 raw output, horizon after
        horizon.
    """
    inputs = keras.Input(window, name="features")
    hidden = BilinearNormalisation(name="normalised")(inputs)
    for number, (steps, features) in enumerate(zip(spec.steps, spec.features, strict=True), 1):
        hidden = Bilinear(steps, features, spec.max_norm, name=f"bilinear_{number}")(hidden)
        hidden = layers.ReLU(name=f"relu_{number}")(hidden)
        hidden = layers.Dropout(spec.dropout, name=f"dropout_{number}")(hidden)
    output = TemporallyAttended(
        len(target.horizons) * logits(target),
        spec.max_norm,
        dtype="float32",
        name=f"{target.output}_head",
    )
    return keras.Model(inputs, output(hidden), name=spec.architecture)
