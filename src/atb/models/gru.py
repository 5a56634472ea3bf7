"""Gated recurrent units: see `recurrent.py`."""

from __future__ import annotations

import keras
from keras import layers

from atb.config.architectures import Gru
from atb.models import recurrent


def build(spec: Gru, window: tuple[int, int]) -> keras.Model:
    """The backbone of a spec, without a head.

    Args:
        spec: widths of the layers.
        window: bars and features of the input.

    Returns:
        `[B, bars, features]` scaled features to `[B, width]`; see `recurrent.network`.
    """
    return recurrent.network(spec, spec.architecture, window, layers.GRU, spec.bidirectional)
