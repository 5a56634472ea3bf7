"""What a Keras model says of the very windows that an ONNX graph computed from the same rows.

Trees jump: a feature that Keras and onnxruntime round differently in the last digit may fall on the
two sides of a split. So both are asked from the scaled windows on, where they must agree like any
network; and the windows themselves must agree, each of their numbers. Knows names of tensors.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import onnx

from atb.export.estimator import Estimator
from atb.export.graft import question
from atb.export.outputs import by_name
from atb.registry.served import FEATURES

SCALING, FLAT = "scaling", "flatten"  # the layers that give the windows, whole and flattened


@dataclass(frozen=True)
class Seen:
    """A graph that also gives the windows its estimators are asked about, and Keras from there on.

    Attributes:
        content: the graph, with the windows `[B, T * F]` as one more output.
        windows: the name of that output.
        front: raw rows to the windows, under that name.
        rest: the windows and the raw rows to everything served but features, by name.
    """

    content: bytes
    windows: str
    front: keras.Model
    rest: keras.Model


def seen(serving: keras.Model, content: bytes) -> Seen | None:
    """What is needed to compare from the windows on; None where no estimator is within.

    Args:
        serving: from `atb.export.graph.serving_model`.
        content: its graph.
    """
    asked = _asked(serving)
    if asked is None:
        return None
    copy = keras.models.clone_model(serving)  # a model that is cut in two cannot be saved any more
    copy.set_weights(serving.get_weights())
    rows, scaled = copy.inputs[0], copy.get_layer(SCALING).output
    flat = keras.layers.Reshape((-1,))(scaled)
    served = {name: one for name, one in by_name(copy).output.items() if name != FEATURES}
    back = keras.Input((flat.shape[-1],))
    rest = keras.Model([scaled, rows], served)
    whole = rest([keras.layers.Reshape(scaled.shape[1:])(back), rows])
    model = onnx.load_from_string(content)
    shape = [None, flat.shape[-1]]
    said = onnx.helper.make_tensor_value_info(question(asked), onnx.TensorProto.FLOAT, shape)
    model.graph.output.append(said)
    return Seen(
        model.SerializeToString(),
        said.name,
        keras.Model(rows, {said.name: flat}),
        keras.Model([back, rows], whole),
    )


def _asked(model: keras.Model) -> Estimator | None:
    """An estimator that is asked about the flattened windows themselves, if there is any."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found = _asked(layer)
            if found is not None:
                return found
        elif isinstance(layer, Estimator) and layer.input is model.get_layer(FLAT).output:
            return layer
    return None
