"""What every rewriting of an ONNX graph needs: shapes, constants, and a place for new nodes.

Knows names and shapes, not what is computed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

Array: TypeAlias = npt.NDArray[Any]

ELEMENTWISE = frozenset(
    (
        *("Abs", "Add", "Atanh", "Div", "Exp", "Log", "Max", "Min", "Mul", "Neg", "Pow", "Relu"),
        *("Sigmoid", "Sign", "Sqrt", "Sub", "Tanh"),
    )
)


class Editing:
    """One pass over a graph in its order: nodes are kept or replaced, names stay unique.

    Attributes:
        shapes: of each tensor of the old graph; a free dimension is 0.
        constants: what is known of them.
        outputs: names that must stay.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        graph = onnx.shape_inference.infer_shapes(model).graph
        self.shapes: dict[str, list[int]] = {
            value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            for value in (*graph.input, *graph.value_info, *graph.output)
        }
        self.constants: dict[str, Array] = {
            tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer
        }
        self.outputs = {value.name for value in graph.output}
        self.nodes: list[onnx.NodeProto] = []
        self._same: dict[str, str] = {}
        self._old = list(model.graph.node)
        self._graph = model.graph
        self._known = set(self.constants)

    def readers(self) -> dict[str, list[onnx.NodeProto]]:
        """The old nodes that read each tensor."""
        found: dict[str, list[onnx.NodeProto]] = {}
        for node in self._old:
            for name in dict.fromkeys(node.input):
                found.setdefault(name, []).append(node)
        return found

    def old(self) -> Iterable[onnx.NodeProto]:
        """The nodes of the old graph, in an order in which each can be computed."""
        return iter(self._old)

    def keep(self, node: onnx.NodeProto) -> None:
        """An old node as it was."""
        node.input[:] = [self.named(name) for name in node.input]
        self.nodes.append(node)

    def replace(self, old: str, new: str) -> None:
        """Whoever reads the old tensor reads the new one, which is the same."""
        if old in self.outputs:
            self.nodes.append(helper.make_node("Identity", [new], [old], old))
        else:
            self._same[old] = new

    def named(self, name: str) -> str:
        """The name by which an old tensor is known now."""
        return self._same.get(name, name)

    def add(self, operator: str, inputs: Iterable[str], result: str, **attributes: Any) -> str:
        """A new node with one result, whose name is returned."""
        inputs = [self.named(name) for name in inputs]
        self.nodes.append(helper.make_node(operator, inputs, [result], result, **attributes))
        return result

    def constant(self, name: str, array: Array) -> str:
        """A new constant; one that is the same under the same name is made once."""
        if name in self.constants and not np.array_equal(self.constants[name], array):
            name = f"{name}/{len(self.constants)}"
        self.constants[name] = np.array(array, order="C")
        return name

    def integers(self, *values: int) -> str:
        """A constant of integers."""
        return self.constant("integers/" + "x".join(map(str, values)), np.array(values, np.int64))

    def finish(self) -> None:
        """Put the new nodes in place of the old ones."""
        del self._graph.node[:], self._graph.value_info[:]
        self._graph.node.extend(self.nodes)
        added = [name for name in self.constants if name not in self._known]
        self._graph.initializer.extend(
            numpy_helper.from_array(self.constants[name], name) for name in added
        )


def attributes(node: onnx.NodeProto) -> Mapping[str, Any]:
    """What is written on a node, by name."""
    return {given.name: helper.get_attribute_value(given) for given in node.attribute}


def drop_unread(graph: onnx.GraphProto) -> None:
    """Leave out nodes and constants whose results nothing reads."""
    while unread := _unread(graph):
        for node in unread:
            graph.node.remove(node)
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def _unread(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    read = {name for node in graph.node for name in node.input}
    read.update(output.name for output in graph.output)
    return [node for node in graph.node if read.isdisjoint(node.output)]
