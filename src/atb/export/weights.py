"""The weights of the network in a serving graph, kept in fewer bits.

A serving graph computes features in float32 from prices, then hands them to a network: only the
network's weights become smaller here, each unfolded again when the graph is opened, so that the
arithmetic stays that of float32. Knows operators, not what is predicted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

from atb.errors import IntegrityError
from atb.registry.served import FEATURES

RECURRENT = ("GRU", "LSTM", "RNN")
PRODUCTS = ("Conv", "Gemm", "MatMul")

# Positions of the weights among an operator's inputs; biases are few and stay as they are.
POSITIONS: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(PRODUCTS, (1,)),
    **dict.fromkeys(RECURRENT, (1, 2)),
}

Stored: TypeAlias = tuple[list[onnx.TensorProto], list[onnx.NodeProto]]


def network(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Nodes that the features do not need: scaling, network and what makes a signal of it.

    Raises:
        IntegrityError: when the graph does not give its features.
    """
    if FEATURES not in {output.name for output in graph.output}:
        raise IntegrityError(
            f"the graph gives no {FEATURES}, so that nothing tells its network from them",
            remedy="train the model again",
        )
    needed, rest = {FEATURES}, []
    for node in reversed(graph.node):
        if needed.isdisjoint(node.output):
            rest.append(node)
        else:
            needed.update(node.input)
    return rest[::-1]


def weighted(graph: onnx.GraphProto, operators: Sequence[str]) -> list[onnx.NodeProto]:
    """The network's nodes of these operators whose weights are constants."""
    constants = {tensor.name for tensor in graph.initializer}
    return [
        node
        for node in network(graph)
        if node.op_type in operators
        and all(node.input[position] in constants for position in POSITIONS[node.op_type])
    ]


def store(
    graph: onnx.GraphProto, operators: Sequence[str], form: Callable[[onnx.TensorProto], Stored]
) -> None:
    """Keep the weights of these operators of the network in another form, in place.

    Args:
        graph: a serving graph.
        operators: among `POSITIONS`.
        form: a weight to the constants it is kept as, and the nodes that make it again; the last
            one's result is the weight.
    """
    constants = {tensor.name: tensor for tensor in graph.initializer}
    made: dict[str, str] = {}
    unfolding: list[onnx.NodeProto] = []
    for node in weighted(graph, operators):
        for position in POSITIONS[node.op_type]:
            name = node.input[position]
            if name not in made:
                tensors, nodes = form(constants[name])
                graph.initializer.extend(tensors)
                unfolding += nodes
                made[name] = nodes[-1].output[0]
            node.input[position] = made[name]
    _put_first(graph, unfolding)
    _drop_unread_constants(graph)


def float16(weight: onnx.TensorProto) -> Stored:
    """Half the bits: about three significant digits, up to 65,504."""
    kept, made = f"{weight.name}/float16", f"{weight.name}/float32"
    values = numpy_helper.to_array(weight).astype(np.float16)
    unfolded = helper.make_node("Cast", [kept], [made], made, to=onnx.TensorProto.FLOAT)
    return [numpy_helper.from_array(values, kept)], [unfolded]


def int8(weight: onnx.TensorProto) -> Stored:
    """A quarter of the bits: `[D, R, C]` as whole numbers of -127 to 127 times a scale per row.

    Symmetric quantisation by the largest size in each row, as in Jacob et al. 2018
    (arXiv:1712.05877) without a zero point.
    """
    kept, scale = f"{weight.name}/int8", f"{weight.name}/scale"
    whole, made = f"{weight.name}/whole", f"{weight.name}/float32"
    values = numpy_helper.to_array(weight)
    largest = np.abs(values).max(axis=-1, keepdims=True)
    step = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    steps = np.round(values / step).astype(np.int8)
    return (
        [numpy_helper.from_array(steps, kept), numpy_helper.from_array(step, scale)],
        [
            helper.make_node("Cast", [kept], [whole], whole, to=onnx.TensorProto.FLOAT),
            helper.make_node("Mul", [whole, scale], [made], made),
        ],
    )


def _put_first(graph: onnx.GraphProto, nodes: Iterable[onnx.NodeProto]) -> None:
    every = [*nodes, *graph.node]
    del graph.node[:]
    graph.node.extend(every)


def _drop_unread_constants(graph: onnx.GraphProto) -> None:
    read = {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    del graph.initializer[:]
    graph.initializer.extend(kept)
