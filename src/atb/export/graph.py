"""The serving graph: raw candles or books in, a signal out, everything between inside it.

Features, scaling, network and unscaling are one Keras model, so nothing a model needs can be
forgotten or done differently when it is served. Knows no file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from atb.calibration import Calibration
from atb.config.features import lookback, market_of
from atb.config.targets import Target
from atb.export.calibrated import cooled, straightened
from atb.features.layer import FeatureSet, rescaling
from atb.features.scaling import Scaling
from atb.models.heads import ACTIVATIONS, logits
from atb.models.remade import remade
from atb.registry.served import QUANTILES

Float64 = npt.NDArray[np.float64]

UNSCALE = "unscale"
VANISHING = 1e-30  # not zero: optimisers replace what is multiplied by zero


def serving_model(
    network: keras.Model,
    *,
    features: str,
    columns: int,
    window: int,
    scaling: Scaling,
    target: Target,
    target_scale: float | Float64,
    target_offset: float | Float64,
) -> keras.Model:
    """The whole path from raw rows to signal as one float32 model, with weights of its own.

    Args:
        network: `[B, window, F]` scaled features to `[B, K * L]` raw output, in any precision; or
            to a list of that and of `[B, Q + S]`, see `atb.dataset.learner.Quantiles`.
        features: name of the feature set that computes the F features.
        columns: C of a raw row, see `atb.market.history`.
        window: rows the network sees.
        scaling: feature scale and offset `[F]`.
        target: decides the output's name, activation and shape.
        target_scale: of all K horizons, or `[K]`; value = raw * target_scale + target_offset for
            quantities, and no part in classes.
        target_offset: see `target_scale`.

    Returns:
        `candles` or `book` `[B, window + lookback, C]` float32 to float32 `[B, K]`: `return` (log
        return), `probability`, `log_volatility` or `move` (basis points); or to `probabilities`,
        `[B, 3]` for one horizon and `[B, K, 3]` for more. Of a network that has them, `quantiles`
        `[B, Q + S]` in the unit of the target are a second output.
    """
    rows = keras.Input((window + lookback(features), columns), name=market_of(features))
    scale, offset = (target_scale, target_offset) if target.classes == 1 else (1.0, 0.0)
    by_horizon = (np.asarray(given).tolist() for given in (scale, offset))
    unscale = layers.Rescaling(*by_horizon, dtype="float32", name=UNSCALE)
    hidden = rescaling(scaling)(FeatureSet(features)(rows))
    raw, *known = keras.tree.flatten(in_float32(network)(hidden))
    of_first = [np.ravel(given).tolist()[0] for given in (scale, offset)]
    quantiles = [
        Guard(name=QUANTILES)(layers.Rescaling(*of_first, dtype="float32")(one), rows)
        for one in known
    ]
    return _served(rows, unscale(raw), target, Calibration(), quantiles)


def calibrated(serving: keras.Model, target: Target, calibration: Calibration) -> keras.Model:
    """A serving model whose probabilities are those that validation rows taught.

    Args:
        serving: from `serving_model`, with which weights are shared.
        target: what it was made for.
        calibration: of its horizons.
    """
    raw = serving.get_layer(UNSCALE).output
    return _served(serving.inputs[0], raw, target, calibration, serving.outputs[1:])


def _served(
    rows: keras.KerasTensor,
    raw: keras.KerasTensor,
    target: Target,
    calibration: Calibration,
    quantiles: Sequence[keras.KerasTensor],
) -> keras.Model:
    """From raw outputs `[B, K * L]` of rows `[B, T, C]` to what is served, quantiles if known."""
    activation = layers.Activation(ACTIVATIONS[target.output], dtype="float32")
    signal = activation(_by_horizon(cooled(raw, calibration), target))
    guarded = Guard(name=target.output)(straightened(signal, calibration), rows)
    return keras.Model(rows, [guarded, *quantiles] if quantiles else guarded, name="serving")


def _by_horizon(raw: keras.KerasTensor, target: Target) -> keras.KerasTensor:
    """`[B, K * L]` as it is, or `[B, K, L]` where each of several horizons has several logits."""
    horizons, classes = len(target.horizons), logits(target)
    return layers.Reshape((horizons, classes))(raw) if min(horizons, classes) > 1 else raw


@keras.saving.register_keras_serializable(package="atb")
class Guard(layers.Layer):  # type: ignore[misc]
    """A signal that is no number whenever one of its rows holds none.

    Maximum, ReLU and the clamped sigmoids of onnxruntime swallow NaN, so a damaged row could
    leave as a plausible prediction. Each row is added here, made far too small to change a
    finite signal.
    """

    def __init__(self, *, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32", trainable=False)

    def call(self, signal: Any, rows: Any) -> Any:
        """Signal `[B, ...]` as it is, or not finite where rows `[B, T, C]` are not."""
        damage = ops.sum(rows * VANISHING, axis=(1, 2))
        return signal + ops.reshape(damage, (-1, *(1 for _ in signal.shape[1:])))

    def compute_output_shape(self, signal_shape: Any, rows_shape: Any) -> Any:  # noqa: ARG002 (Keras matches the names)
        """The signal's."""
        return signal_shape

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again: its name."""
        return {"name": self.name}


def output_scale(serving: keras.Model) -> Float64:
    """What one unit of raw network output is in the unit that is served, before any activation.

    One number, or `[K]` of them where the horizons differ.
    """
    scale: Float64 = np.asarray(serving.get_layer(UNSCALE).scale, np.float64)
    return scale


def in_float32(network: keras.Model) -> keras.Model:
    """A copy of a network, with the same weights, that computes in float32 throughout."""

    def rebuilt(layer: layers.Layer) -> layers.Layer:
        return remade(layer, "dtype", "float32")

    copy = keras.models.clone_model(network, clone_function=rebuilt, recursive=True)
    copy.set_weights(network.get_weights())
    return copy
