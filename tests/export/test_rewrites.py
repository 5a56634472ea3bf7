"""Each rewriting of an exported graph on a graph made by hand: fewer nodes, the same answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from atb.export.filters import join_filters
from atb.export.flat import flatten
from atb.export.fold import fold
from atb.export.short import shorten
from atb.export.side_by_side import stack
from atb.export.trim import trim
from atb.export.turns import join_turns

ENDLESS = 2**31 - 1
ROUNDING = 1e-5
draw = np.random.default_rng(5)


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), output.split(), **attributes)


def operators(graph: onnx.GraphProto) -> Counter[str]:
    return Counter(node.op_type for node in graph.node)


def constant(graph: onnx.GraphProto, name: str) -> np.ndarray:
    (found,) = (t for t in graph.initializer if t.name == name)
    return numpy_helper.to_array(found)


def weights(*shape: int) -> np.ndarray:
    return draw.uniform(0.5, 1.5, shape).astype(np.float32)


INTEGERS = {
    **{f"i{number}": np.array([number]) for number in range(-1, 10)},
    "end": np.array([ENDLESS]),
    "all_from_3": np.array([0, 3]),
    "all_to_end": np.array([ENDLESS, ENDLESS]),
    "batch_and_time": np.array([0, 2]),
}


def test_a_series_is_computed_from_where_it_is_needed(same_after: Callable[..., Any]) -> None:
    """Of ten values of log(x), a difference of the last six reads seven."""
    nodes = [
        node("Log", "x", "log"),
        node("Slice", "log i1 end i2", "newer"),
        node("Slice", "log i0 i-1 i2", "older"),
        node("Sub", "newer older", "change"),
        node("Slice", "change all_from_3 all_to_end batch_and_time", "late"),
        node("Neg", "late", "negative"),
        node("Transpose", "negative", "y", perm=[0, 2, 1]),
    ]
    graph = same_after([trim], nodes, INTEGERS, (1, 10), (6, 1))
    assert operators(graph) == Counter(Slice=3, Log=1, Sub=1, Neg=1, Transpose=1)
    inferred = onnx.shape_inference.infer_shapes(helper.make_model(graph)).graph
    lengths = {v.name: v.type.tensor_type.shape.dim[-1].dim_value for v in inferred.value_info}
    assert (lengths["log"], lengths["change"], lengths["negative"]) == (7, 6, 6)


def test_a_filter_reads_as_much_as_it_looks_back(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Sqrt", "x", "root"),
        node("Conv", "root kernel", "filtered"),
        node("Slice", "filtered i5 end i2", "last"),
        node("Transpose", "last", "y", perm=[0, 2, 1]),
    ]
    constants = {**INTEGERS, "kernel": weights(1, 1, 3)}
    graph = same_after([trim], nodes, constants, (1, 10), (3, 1))
    cut = graph.node[0]
    assert (cut.op_type, cut.input[0]) == ("Slice", "x")
    assert constant(graph, cut.input[1]).tolist() == [5]


def test_what_minds_its_place_is_not_trimmed(same_after: Callable[..., Any]) -> None:
    """A padded filter, and one number for each time, begin where they did."""
    nodes = [
        node("Conv", "x kernel", "filtered", pads=[1, 1]),
        node("Mul", "filtered by_time", "scaled"),
        node("Slice", "scaled i5 end i2", "last"),
        node("Transpose", "last", "y", perm=[0, 2, 1]),
    ]
    constants = {**INTEGERS, "kernel": weights(1, 1, 3), "by_time": weights(10)}
    graph = same_after([trim], nodes, constants, (1, 10), (5, 1))
    assert [n.op_type for n in graph.node] == ["Conv", "Mul", "Slice", "Transpose"]


def test_filters_of_one_series_are_one(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Conv", "x long", "a"),
        node("Slice", "x i3 end i2", "cut"),
        node("Conv", "cut short", "b"),
        node("Conv", "x bank", "c"),
        node("Concat", "a b c", "y", axis=1),
    ]
    constants = {**INTEGERS, "long": weights(1, 1, 5), "short": weights(1, 1, 2)}
    constants["bank"] = weights(2, 1, 5)
    graph = same_after([join_filters], nodes, constants, (1, 10), (4, 6), ROUNDING)
    assert operators(graph) == Counter(Conv=2, Split=1, Concat=1)
    joined = constant(graph, graph.node[0].input[1])
    np.testing.assert_array_equal(joined[1, 0, :3], 0)
    np.testing.assert_array_equal(joined[1, 0, 3:], constants["short"][0, 0])


def test_what_is_done_alike_is_done_once(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Split", "x", "a b c d e", axis=1, num_outputs=5),
        node("Div", "a b", "ab"),
        node("Log", "ab", "log_ab"),
        node("Div", "c b", "cb"),
        node("Div", "d e", "de"),
        node("Log", "de", "log_de"),
        node("Div", "d b", "db"),
        node("Concat", "log_ab cb a log_de db", "y", axis=1),
    ]
    graph = same_after([stack], nodes, INTEGERS, (5, 7), (5, 7), ROUNDING)
    counted = operators(graph)
    assert (counted["Log"], counted["Div"], counted["Gather"]) == (1, 2, 1)


def test_what_is_read_elsewhere_is_left_alone(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Split", "x", "a b", axis=1, num_outputs=2),
        node("Log", "a", "log_a"),
        node("Log", "b", "log_b"),
        node("Add", "log_a log_b", "both"),
        node("Concat", "log_a log_b both", "y", axis=1),
    ]
    assert operators(same_after([stack], nodes, {}, (2, 7), (3, 7)))["Log"] == 2


def test_factors_and_summands_are_in_the_weights(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Conv", "x kernel bias", "filtered", pads=[1, 1]),
        node("Mul", "filtered by_channel", "scaled"),
        node("Add", "by_channel scaled", "shifted"),
        node("Add", "shifted by_time", "moved"),
        node("MatMul", "moved matrix", "product"),
        node("Mul", "product by_output", "larger"),
        node("Add", "larger one", "y"),
    ]
    constants = {
        "kernel": weights(4, 2, 3),
        "bias": weights(4),
        "by_channel": weights(1, 4, 1),
        "by_time": weights(7),
        "matrix": weights(7, 3),
        "by_output": weights(3),
        "one": np.float32(1.5),
    }
    graph = same_after([fold], nodes, constants, (2, 7), (4, 3), ROUNDING)
    assert [n.op_type for n in graph.node] == ["Conv", "Add", "MatMul", "Add"]


def test_what_another_reads_is_not_folded(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("MatMul", "x matrix", "product"),
        node("Mul", "product two", "double"),
        node("Sub", "double product", "y"),
    ]
    constants = {"matrix": weights(7, 3), "two": np.float32(3.0)}
    graph = same_after([fold], nodes, constants, (2, 7), (2, 3))
    assert operators(graph) == Counter(MatMul=1, Mul=1, Sub=1)


def test_a_convolution_of_height_one_is_flat(same_after: Callable[..., Any]) -> None:
    """What the converter writes for convolution, ReLU and pooling of `[B, T, C]`."""
    nodes = [
        node("Unsqueeze", "x i1", "high"),
        node("Transpose", "high", "turned", perm=[0, 3, 1, 2]),
        node("Conv", "turned kernel", "filtered", pads=[0, 1, 0, 1]),
        node("Squeeze", "filtered i2", "flat"),
        node("Mul", "flat by_channel", "scaled"),
        node("Unsqueeze", "scaled i2", "high_again"),
        node("MaxPool", "high_again", "pooled", kernel_shape=[1, 2], strides=[1, 2]),
        node("Squeeze", "pooled i2", "flat_again"),
        node("Transpose", "flat_again", "y", perm=[0, 2, 1]),
    ]
    constants = {**INTEGERS, "kernel": weights(3, 2, 1, 3), "by_channel": weights(1, 3, 1)}
    nodes[2].attribute.append(helper.make_attribute("kernel_shape", [1, 3]))
    graph = same_after([flatten, join_turns], nodes, constants, (8, 2), (4, 3), ROUNDING)
    assert [n.op_type for n in graph.node] == ["Transpose", "Conv", "Mul", "MaxPool", "Transpose"]


def test_a_convolution_over_two_axes_is_not(same_after: Callable[..., Any]) -> None:
    nodes = [node("Conv", "x kernel", "y", kernel_shape=[2, 3])]
    graph = same_after([flatten], nodes, {"kernel": weights(3, 2, 2, 3)}, (2, 4, 8), (3, 3, 6))
    assert operators(graph) == Counter(Conv=1)


def test_turns_that_undo_one_another_are_gone(same_after: Callable[..., Any]) -> None:
    """Also across what minds no order: its constants turn instead."""
    nodes = [
        node("Transpose", "x", "turned", perm=[0, 2, 1]),
        node("Mul", "turned by_last", "scaled"),
        node("Unsqueeze", "scaled i1", "higher"),
        node("Squeeze", "higher i1", "lower"),
        node("Transpose", "lower", "back", perm=[0, 2, 1]),
        node("Neg", "back", "y"),
    ]
    constants = {**INTEGERS, "by_last": weights(4)}
    graph = same_after([join_turns], nodes, constants, (4, 6), (4, 6))
    assert [n.op_type for n in graph.node] == ["Mul", "Neg"]


def test_constants_turn_back_as_their_tensor_turned(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Transpose", "x", "turned", perm=[2, 0, 1]),
        node("Mul", "turned each", "scaled"),
        node("Transpose", "scaled", "y", perm=[1, 2, 0]),
    ]
    graph = same_after([join_turns], nodes, {"each": weights(6, 1, 4)}, (4, 6), (4, 6))
    assert [n.op_type for n in graph.node] == ["Mul", "Identity"]


def test_a_row_of_what_stays_turned_is_cut_after_the_turn(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Exp", "x", "grown"),
        node("Transpose", "grown", "turned", perm=[0, 3, 2, 1]),
        node("Slice", "turned i1 i2 i2", "row"),
        node("Squeeze", "row i2", "y"),
    ]
    graph = same_after([shorten], nodes, INTEGERS, (3, 4, 5), (5, 3))
    assert [n.op_type for n in graph.node] == ["Exp", "Transpose", "Gather"]


def test_a_root_of_squares_and_a_last_row_are_one_node(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Mul", "x x", "squares"),
        node("ReduceSum", "squares i1", "total", keepdims=1),
        node("Sqrt", "total", "norm"),
        node("Add", "x norm", "sum"),
        node("Transpose", "sum", "turned", perm=[0, 2, 1]),
        node("Slice", "turned i-1 end i1", "last"),
        node("Squeeze", "last i1", "y"),
    ]
    graph = same_after([shorten], nodes, INTEGERS, (4, 6), (4,), ROUNDING)
    assert [n.op_type for n in graph.node] == ["ReduceL2", "Add", "Gather"]
    assert graph.node[-1].input[0] == "sum"
