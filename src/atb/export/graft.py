"""Estimators of a serving graph written as their own operators, in one file with all the others.

The converter knows nothing of them. So what each is asked leaves the converted graph as an output,
its answer enters as an input, and between the two its ONNX file is put. Knows names of tensors, not
what is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import onnx
from keras import layers, ops

from atb.export.editing import drop_unread
from atb.export.estimator import ANSWER, QUESTION, Estimator
from atb.registry import onnx_learned


class Gap(layers.Layer):  # type: ignore[misc]
    """Where an estimator stood: remembers what it is asked, gives what it is given.

    Attributes:
        source: the estimator.
        asked: `[B, P]`, once a model that it stands in was called.
        given: `[B, outputs]`, what it answers.
    """

    def __init__(self, source: Estimator) -> None:
        super().__init__(name=source.name, dtype="float32")
        self.source = source
        self.asked: Any = None
        self.given: Any = None

    def call(self, windows: Any) -> Any:
        """`[B, P]` to what was given."""
        self.asked = windows
        return ops.reshape(self.given, (-1, self.source.outputs))

    def compute_output_shape(self, shape: Any) -> Any:
        """The estimator's."""
        return self.source.compute_output_shape(shape)


def question(layer: layers.Layer) -> str:
    """Name of the tensor that an estimator, or its gap, is asked."""
    return f"{layer.name}_{QUESTION}"


def answer(layer: layers.Layer) -> str:
    """Name of the tensor that it answers."""
    return f"{layer.name}_{ANSWER}"


def opened(model: keras.Model) -> tuple[keras.Model, list[Gap]]:
    """The same model, sharing its other layers, with a gap for each estimator; and the gaps."""
    gaps: list[Gap] = []

    def left(layer: layers.Layer) -> layers.Layer:
        if not isinstance(layer, Estimator):
            return layer
        gaps.append(Gap(layer))
        return gaps[-1]

    return keras.models.clone_model(model, clone_function=left, recursive=True), gaps


def close(model: onnx.ModelProto, gaps: Sequence[Gap]) -> None:
    """Put each estimator's operators where its gap is.

    Args:
        model: converted, with the gaps' questions among its outputs, their answers as inputs.
        gaps: of it.
    """
    graph = model.graph
    for gap in gaps:
        part = onnx.load_from_string(gap.source.file()).graph
        names = {QUESTION: question(gap), ANSWER: answer(gap)}
        for node in part.node:
            _rename(node, gap.name, names)
        for tensor in part.initializer:
            tensor.name = _named(tensor.name, gap.name, names)
        graph.node.extend(part.node)
        graph.initializer.extend(part.initializer)
        _remove(graph.input, answer(gap))
        _remove(graph.output, question(gap))
    del graph.value_info[:]
    _sort(graph)
    drop_unread(graph)


def is_learned(node: onnx.NodeProto) -> bool:
    """Whether an operator is one of estimators that a serving graph may have."""
    return node.domain == onnx_learned.DOMAIN and node.op_type in onnx_learned.RULES


def _rename(node: onnx.NodeProto, gap: str, names: dict[str, str]) -> None:
    node.name = f"{gap}/{node.name}"
    node.input[:] = [_named(name, gap, names) for name in node.input]
    node.output[:] = [_named(name, gap, names) for name in node.output]


def _named(name: str, gap: str, names: dict[str, str]) -> str:
    """A tensor of an estimator's file by the name that it has among all others."""
    return names.get(name, f"{gap}/{name}") if name else name


def _remove(values: Any, name: str) -> None:
    values.remove(next(value for value in values if value.name == name))


def _sort(graph: onnx.GraphProto) -> None:
    """Bring the nodes into an order in which each can be computed."""
    known = {"", *(one.name for one in (*graph.input, *graph.initializer))}
    waiting: list[onnx.NodeProto] = list(graph.node)
    ordered: list[onnx.NodeProto] = []
    while waiting:
        late = []
        for node in waiting:
            if known.issuperset(node.input):
                known.update(node.output)
                ordered.append(node)
            else:
                late.append(node)
        waiting = late
    del graph.node[:]
    graph.node.extend(ordered)
