"""Recurrent layers rewritten so that the ONNX converter recognises each as one fused operator.

tf2onnx knows a GRU by the shape of its loop body: two `split(bias_add(matmul))`, one of the input
and one of the state, whose weights enter the loop from outside. Keras reads its weights inside the
body and cuts by slices, which ends as an ONNX `Loop` many times slower. The arithmetic here is that
of `keras.layers.GRU` with `reset_after=True`. LSTM layers are recognised as Keras writes them,
unless they can drop parts of their state in training: then it multiplies each gate by itself.
"""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from atb.models.remade import remade


def fusable(model: keras.Model) -> keras.Model:
    """The same model for inference, with each default GRU and each LSTM in recognisable form.

    Args:
        model: a functional model, possibly of models; a GRU with other activations than Keras's
            default ones, or without bias, is left as it is.

    Returns:
        A model that shares the given one's layers and weights, except for copies of the LSTM layers
        that have recurrent dropout.
    """
    return keras.models.clone_model(model, clone_function=_recognisable, recursive=True)


def _recognisable(layer: keras.layers.Layer) -> keras.layers.Layer:
    if _is_default(layer):
        return PlainGRU(layer)
    if isinstance(layer, keras.layers.Bidirectional) and _is_default(layer.forward_layer):
        return PlainBidirectionalGRU(layer)
    return _without_recurrent_dropout(layer) if _drops_state(layer) else layer


def _drops_state(layer: keras.layers.Layer) -> bool:
    recurrent = layer.forward_layer if isinstance(layer, keras.layers.Bidirectional) else layer
    return isinstance(recurrent, keras.layers.LSTM) and recurrent.recurrent_dropout > 0


def _without_recurrent_dropout(layer: keras.layers.Layer) -> keras.layers.Layer:
    """A built copy with the same weights; in inference it computes the same."""
    copy = remade(layer, "recurrent_dropout", 0.0)
    copy.build(layer.input.shape)
    copy.set_weights(layer.get_weights())
    return copy


def _is_default(layer: keras.layers.Layer) -> bool:
    return (
        isinstance(layer, keras.layers.GRU)
        and layer.reset_after
        and layer.use_bias
        and layer.activation is keras.activations.tanh
        and layer.recurrent_activation is keras.activations.sigmoid
    )


class PlainGRU(keras.layers.Layer):  # type: ignore[misc]
    """`[B, T, C]` float32 to what the given GRU makes of it, with the given GRU's weights."""

    def __init__(self, source: keras.layers.GRU) -> None:
        super().__init__(name=source.name, dtype="float32")
        self.source = source

    def call(self, sequences: tf.Tensor, **_: Any) -> tf.Tensor:
        """Run the recurrence; Keras's other call arguments (mask, state) are not in use here."""
        return _recurrence(self.source, sequences)


class PlainBidirectionalGRU(keras.layers.Layer):  # type: ignore[misc]
    """`[B, T, C]` float32 to both directions' outputs, concatenated, with the given weights."""

    def __init__(self, source: keras.layers.Bidirectional) -> None:
        super().__init__(name=source.name, dtype="float32")
        self.source = source

    def call(self, sequences: tf.Tensor, **_: Any) -> tf.Tensor:
        """Run both recurrences; the backward one is returned in the order of the input."""
        forward = _recurrence(self.source.forward_layer, sequences)
        backward = _recurrence(self.source.backward_layer, tf.reverse(sequences, [1]))
        if self.source.return_sequences:
            backward = tf.reverse(backward, [1])
        return tf.concat([forward, backward], axis=-1)


def _recurrence(source: keras.layers.GRU, sequences: tf.Tensor) -> tf.Tensor:
    """`[B, T, C]` to `[B, T, units]`, or `[B, units]` unless the source returns sequences.

    Gates after Cho et al. 2014 (arXiv:1406.1078) in the form with the reset gate applied after the
    matrix product: z, r = sigmoid(x + h), c = tanh(x + r * h), h' = z * h + (1 - z) * c.
    """
    kernel = tf.convert_to_tensor(source.cell.kernel)
    recurrent_kernel = tf.convert_to_tensor(source.cell.recurrent_kernel)
    bias, recurrent_bias = tf.unstack(tf.convert_to_tensor(source.cell.bias))
    steps, units = sequences.shape[1], source.units
    inputs = tf.TensorArray(tf.float32, steps).unstack(tf.transpose(sequences, (1, 0, 2)))
    outputs = tf.TensorArray(tf.float32, steps, element_shape=(None, units))

    def step(
        time: tf.Tensor, state: tf.Tensor, outputs: tf.TensorArray
    ) -> tuple[tf.Tensor, tf.Tensor, tf.TensorArray]:
        x = tf.nn.bias_add(tf.matmul(inputs.read(time), kernel), bias)
        h = tf.nn.bias_add(tf.matmul(state, recurrent_kernel), recurrent_bias)
        x_update, x_reset, x_candidate = tf.split(x, 3, axis=-1)
        h_update, h_reset, h_candidate = tf.split(h, 3, axis=-1)
        update = tf.sigmoid(x_update + h_update)
        candidate = tf.tanh(x_candidate + tf.sigmoid(x_reset + h_reset) * h_candidate)
        state = update * state + (1 - update) * candidate
        return time + 1, state, outputs.write(time, state)

    start = (0, tf.zeros((tf.shape(sequences)[0], units)), outputs)
    _, state, outputs = tf.while_loop(
        lambda time, *_: time < steps, step, start, maximum_iterations=steps
    )
    return tf.transpose(outputs.stack(), (1, 0, 2)) if source.return_sequences else state
