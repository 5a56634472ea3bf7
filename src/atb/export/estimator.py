"""A scikit-learn estimator as a Keras layer: its ONNX file is the layer's only weight.

In Keras onnxruntime answers, so that a model says the same before and after its export, where
`graft.py` puts the file's own operators in the layer's place. Knows bytes, not which estimator.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import onnxruntime
import tensorflow as tf
from keras import layers

from atb.export.session import opened
from atb.registry import onnx_file

Float32 = npt.NDArray[np.float32]

QUESTION, ANSWER = "windows", "answer"  # names of the file's input and of its output


@keras.saving.register_keras_serializable(package="atb")
class Estimator(layers.Layer):  # type: ignore[misc]
    """`[B, P]` float32 to `[B, outputs]` float32 by a plain ONNX graph, on one thread.

    Args:
        size: bytes of the file, which are the layer's weight.
        outputs: columns of its answer.
    """

    def __init__(self, size: int, outputs: int, *, name: str | None = None) -> None:
        super().__init__(name=name, dtype="float32", trainable=False)
        self.size, self.outputs = size, outputs
        self._open: tuple[bytes, onnxruntime.InferenceSession] | None = None

    def build(self, _shape: Any) -> None:
        """Room for the file."""
        self.content = self.add_weight(
            shape=(self.size,),
            dtype="uint8",
            initializer="zeros",
            trainable=False,
            autocast=False,
            name="content",
        )

    def call(self, windows: Any) -> Any:
        """`[B, P]` to `[B, outputs]`.

        Raises:
            IntegrityError: when the weight is no plain graph.
        """
        content = keras.ops.convert_to_tensor(self.content)
        answer = tf.numpy_function(self._answer, [content, windows], tf.float32, stateful=False)
        return tf.ensure_shape(answer, (None, self.outputs))

    def file(self) -> bytes:
        """The ONNX file: `windows` `[B, P]` float32 to `answer` `[B, outputs]` float32.

        Raises:
            IntegrityError: when the weight is no plain graph.
        """
        content = np.asarray(self.content).tobytes()
        onnx_file.require_plain(content, self.name)
        return content

    def compute_output_shape(self, shape: Any) -> Any:
        """`[B, outputs]`."""
        return (shape[0], self.outputs)

    def get_config(self) -> dict[str, Any]:
        """What makes this layer again, without its weight."""
        return {"size": self.size, "outputs": self.outputs, "name": self.name}

    def _answer(self, content: npt.NDArray[np.uint8], windows: Float32) -> Float32:
        given = content.tobytes()
        if self._open is None or self._open[0] != given:
            onnx_file.require_plain(given, self.name)
            self._open = given, opened(given)
        (answer,) = self._open[1].run([ANSWER], {QUESTION: windows})
        return np.asarray(answer, np.float32)


def answered(content: bytes, windows: keras.KerasTensor, outputs: int) -> keras.KerasTensor:
    """What an estimator's ONNX file says of windows.

    Args:
        content: the file, see `Estimator.file`.
        windows: `[B, P]` flattened windows.
        outputs: columns of the answer.

    Returns:
        `[B, outputs]` float32.
    """
    layer = Estimator(len(content), outputs)
    answer = layer(windows)
    layer.set_weights([np.frombuffer(content, np.uint8)])
    return answer
