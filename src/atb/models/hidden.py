"""What a recurrent network remembers at every step of a window.

Knows recurrent layers wherever they stand in a network, not how the network was built or trained.
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from atb.errors import UsageError
from atb.models.remade import remade

Float32 = npt.NDArray[np.float32]

RECURRENT = (layers.RNN, layers.Bidirectional)  # a GRU or LSTM is an RNN
BATCH = 256


def hidden_states(model: keras.Model, windows: Float32) -> Float32:
    """The output of a network's last recurrent layer at every step it takes.

    Args:
        model: a network with recurrent layers, as `atb.models.build.network` makes it; or a serving
            model, as `atb.export.rewrite.load` reads it from a registered model's `model.keras`.
        windows: `[n, bars, features]` float32, scaled as for the network; or, for a serving model,
            `[n, bars, 5]` candles.

    Returns:
        `[n, time, units x directions]` float32, both directions in the order of the window: the
        network itself goes on with the last step forwards and the first step backwards. Time is
        shorter than the window where pooling comes before the recurrence.

    Raises:
        UsageError: when the network has no recurrent layer, or expects windows of another shape.
    """
    inner = next((layer for layer in model.layers if isinstance(layer, keras.Model)), model)
    recurrent = [layer for layer in inner.layers if isinstance(layer, RECURRENT)]
    if not recurrent:
        raise UsageError(
            f"the network {inner.name!r} has no recurrent layer, hence no hidden states",
            remedy="give one of gru, lstm, bilstm, conv_recurrent",
        )
    if windows.shape[1:] != model.input_shape[1:]:
        raise UsageError(
            f"the model expects windows of {model.input_shape[1:]} bars and features, "
            f"these have {windows.shape[1:]}",
            remedy="scale and cut the windows as the model's own data",
        )
    watched = keras.Model(inner.input, _at_every_step(recurrent[-1]))
    if inner is not model:
        watched = keras.Model(model.input, watched(_input_of(inner, model)))
    states: Float32 = watched.predict(windows, batch_size=BATCH, verbose=0).astype(np.float32)
    return states


def _input_of(inner: keras.Model, model: keras.Model) -> keras.KerasTensor:
    """What a model feeds to the model inside it."""
    before = model.layers[model.layers.index(inner) - 1]
    return before.output


def _at_every_step(layer: layers.Layer) -> keras.KerasTensor:
    """What a layer with these weights makes of its input, `[B, time, units x directions]`."""
    copy = remade(remade(layer, "return_sequences", True), "return_state", False)
    output = copy(layer.input)
    copy.set_weights(layer.get_weights())
    return output
