"""Estimators of a serving graph written as their own operators, in one file with all the others.

The converter knows nothing of them. So what each is asked leaves the converted graph as an output,
its answer enters as an input, and between the two its ONNX file is put. Knows names of tensors, not
what is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import onnx
from keras import layers, ops

from atb.errors import IntegrityError, ResourceError
from atb.export.editing import drop_unread
from atb.export.estimator import ANSWER, QUESTION, Estimator
from atb.registry import onnx_learned

MOST_NODES = 200_000  # of all trees; a file with more would have too many fields to be plain


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

    Raises:
        IntegrityError: when what an estimator holds is no plain graph, or answers nothing.
        ResourceError: when their trees are too large together.
    """
    graph = model.graph
    require_few(one for gap in gaps for one in onnx.load_from_string(gap.source.file()).graph.node)
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


def require_few(nodes: Iterable[onnx.NodeProto]) -> None:
    """Refuse trees that no graph may hold, before they are asked anything.

    Raises:
        ResourceError: when they have more than `MOST_NODES` nodes together.
    """
    count = sum(len(one.strings) for node in nodes for one in node.attribute)
    if count > MOST_NODES:
        raise ResourceError(
            f"the trees have {count:,} nodes, a graph has room for {MOST_NODES:,}",
            where="model",
            remedy="take fewer trees, larger leaves or fewer horizons",
        )


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
        if len(late) == len(waiting):
            raise IntegrityError(
                f"nothing gives what its {late[0].op_type} reads",
                where="model",
                remedy="do not use this model; train it again or restore it from a backup",
            )
        waiting = late
    del graph.node[:]
    graph.node.extend(ordered)
