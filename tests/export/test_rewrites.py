"""Each rewriting of an exported graph on a graph made by hand: fewer nodes, the same answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from atb.export.cuts import cut_once
from atb.export.filters import join_filters
from atb.export.flat import flatten
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
    nodes[0] = node("Conv", "x kernel", "filtered", auto_pad="SAME_UPPER")
    same_after([trim], nodes, constants, (1, 10), (5, 1))


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
    assert operators(graph) == Counter(Conv=2, Slice=2, Concat=1)
    joined = constant(graph, graph.node[0].input[1])
    np.testing.assert_array_equal(joined[1, 0, :3], 0)
    np.testing.assert_array_equal(joined[1, 0, 3:], constants["short"][0, 0])


def test_a_padded_filter_or_one_of_every_other_value_is_not_joined(
    same_after: Callable[..., Any],
) -> None:
    nodes = [
        node("Slice", "x i0 end i2 i2", "every_other"),
        node("Conv", "every_other kernel", "a"),
        node("Conv", "every_other kernel", "b"),
        node("Slice", "x i-6 end i2", "last"),
        node("Conv", "last kernel", "c"),
        node("Conv", "last kernel", "d"),
        node("Slice", "x i0 i4 i2", "first"),
        node("Conv", "first kernel", "e", auto_pad="SAME_UPPER"),
        node("Conv", "first kernel", "f", auto_pad="SAME_UPPER"),
        node("Concat", "a b c d e f", "y", axis=1),
    ]
    constants = {**INTEGERS, "i-6": np.array([-6]), "kernel": weights(1, 1, 3)}
    same_after([join_filters], nodes, constants, (1, 12), (6, 4), ROUNDING)


def test_filters_used_alike_are_neighbours_in_the_order_of_their_use(
    same_after: Callable[..., Any],
) -> None:
    nodes = [
        *(node("Conv", f"x {name}_kernel", name) for name in "dcba"),
        *(node("Div", f"{name} x", f"{name}_x") for name in "ac"),
        *(node("Neg", name, f"{name}_neg") for name in "bd"),
        node("Concat", "a_x b_neg c_x d_neg", "y", axis=1),
    ]
    constants = {f"{name}_kernel": weights(1, 1, 1) for name in "abcd"}
    graph = same_after([join_filters], nodes, constants, (1, 10), (4, 10), ROUNDING)
    kernel = constant(graph, graph.node[0].input[1])
    expected = [constants[f"{name}_kernel"].item() for name in "acbd"]
    assert kernel.ravel().tolist() == expected


def test_a_part_of_a_part_is_cut_out_at_once(same_after: Callable[..., Any]) -> None:
    """Rows 2 and 3 of five, from place 3 (the third of what begins at 1) to the last but one."""
    nodes = [
        node("Slice", "x i1 i4 i1", "rows"),
        node("Slice", "rows i1 end i1", "later_rows"),
        node("Slice", "later_rows i1 end i2", "cut"),
        node("Slice", "cut i2 i-1 i2", "y"),
    ]
    graph = same_after([cut_once], nodes, INTEGERS, (5, 9), (2, 5))
    (cut,) = graph.node
    bounds = [constant(graph, name).tolist() for name in cut.input[1:]]
    assert bounds == [[2, 3], [4, 8], [1, 2]]


def test_parts_beside_one_another_are_cut_together(same_after: Callable[..., Any]) -> None:
    nodes = [
        *(node("Slice", f"x i{row} i{row + 1} i1", f"row{row}") for row in range(4)),
        *(node("Slice", f"row{row} i2 i6 i2", f"cut{row}") for row in range(4)),
        node("Slice", "row3 i1 i5 i2", "earlier"),
        node("Concat", "cut0 cut1 cut3 earlier cut2 cut1 cut2 cut3", "y", axis=1),
    ]
    graph = same_after([cut_once], nodes, INTEGERS, (4, 9), (8, 4))
    assert operators(graph) == Counter(Slice=5, Concat=1)
    assert len(graph.node[-1].input) == 5


def test_all_parts_of_a_tensor_put_together_need_no_concat(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Slice", "x i0 i2 i1", "first"),
        node("Slice", "x i2 end i1", "rest"),
        node("Concat", "first rest", "both", axis=1),
        node("Neg", "both", "y"),
    ]
    assert operators(same_after([cut_once], nodes, INTEGERS, (4, 9), (4, 9)))["Concat"] == 0


def test_parts_with_jumps_or_of_some_of_the_batch_are_left_alone(
    same_after: Callable[..., Any],
) -> None:
    nodes = [
        node("Slice", "x i0 end i2 i2", "every_other"),
        node("Slice", "every_other i1 end i2", "later"),
        node("Slice", "later i0 i3 i0", "first_three"),
        node("Slice", "first_three all_from_3 all_to_end batch_and_time", "y"),
    ]
    constants = {**INTEGERS, "all_from_3": np.array([0, 1])}
    graph = same_after([cut_once], nodes, constants, (2, 9), (2, 3))
    assert operators(graph) == Counter(Slice=4)


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


def test_the_same_series_twice_is_two_channels(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Split", "x", "a b", axis=1, num_outputs=2),
        node("Sub", "a b", "change"),
        node("Sub", "a b", "same_change"),
        node("Log", "a", "log"),
        node("Log", "a", "same_log"),
        node("Max", "a b", "higher"),
        node("Max", "a b a", "highest"),
        node("Concat", "a change same_change a log same_log higher highest", "y", axis=1),
    ]
    same_after([stack], nodes, {}, (2, 7), (8, 7), ROUNDING)


def test_what_is_read_elsewhere_is_left_alone(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Split", "x", "a b", axis=1, num_outputs=2),
        node("Log", "a", "log_a"),
        node("Log", "b", "log_b"),
        node("Add", "log_a log_b", "both"),
        node("Concat", "log_a log_b both", "y", axis=1),
    ]
    assert operators(same_after([stack], nodes, {}, (2, 7), (3, 7)))["Log"] == 2


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


def test_axes_that_are_not_told_are_left_alone(same_after: Callable[..., Any]) -> None:
    """And a constant of more axes than the tensor."""
    nodes = [
        node("Transpose", "x", "turned", perm=[0, 2, 1]),
        node("Mul", "turned four_axes", "higher"),
        node("Squeeze", "higher i0", "scaled"),
        node("Slice", "scaled i1 i2 i2", "row"),
        node("Squeeze", "row", "lower"),
        node("Neg", "lower", "y"),
    ]
    constants = {**INTEGERS, "four_axes": weights(1, 1, 1, 1)}
    graph = same_after([join_turns, shorten], nodes, constants, (4, 6), (6,))
    assert operators(graph)["Squeeze"] == 2


def test_two_axes_taken_out_are_not_one_row(same_after: Callable[..., Any]) -> None:
    nodes = [
        node("Slice", "x first first_end both_axes", "corner"),
        node("Squeeze", "corner both_axes", "value"),
        node("Neg", "value", "y"),
    ]
    both = {"first": np.array([0, 1]), "first_end": np.array([1, 2]), "both_axes": np.array([1, 2])}
    graph = same_after([shorten], nodes, both, (4, 6), ())
    assert operators(graph) == Counter(Slice=1, Squeeze=1, Neg=1)


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
