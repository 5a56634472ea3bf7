"""DeepLOB as an encoder, and a decoder with one step for each horizon.

After Zhang and Zohren 2021, "Multi-Horizon Forecasting for Limit Order Books" (arXiv:2105.10430).
Knows the classes of a target, not what they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras

from atb.config.book_architectures import DeepLobSeq2Seq
from atb.config.targets import Target
from atb.models import attention
from atb.models.decoder import Context, Encoded, decoded, encoded
from atb.models.deeplob_trunk import trunk


def network(spec: DeepLobSeq2Seq, target: Target, window: tuple[int, int]) -> keras.Model:
    """The whole network of a spec: its answers are fed back into it, so it has its own head.

    Args:
        spec: widths of its parts, what the decoder sees.
        target: three classes of any number of horizons.
        window: rows and columns of the input, four columns for each level.

    Returns:
        `[B, rows, columns]` scaled levels to `[B, K * 3]` float32 raw output.

    Raises:
        ConfigError: when the columns are not those of whole levels, or the target has no three
            classes.
    """
    inputs = keras.Input(window, name="features")
    source = encoded(trunk(inputs, spec), spec.units)
    raw = decoded(source, CONTEXTS[spec.context](source), target)
    return keras.Model(inputs, raw, name=spec.architecture)


def _last(source: Encoded) -> Context:
    return lambda _: source.last


def _attention(source: Encoded) -> Context:
    return attention.dot(source.states)


CONTEXTS: Mapping[str, Callable[[Encoded], Context]] = {"last": _last, "attention": _attention}
