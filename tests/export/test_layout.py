from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from atb.export.flat import flatten
from atb.export.layout import as_rows

CONSTANTS = {
    "to_row": np.array([-1, 1, 1, 8]),
    "to_series": np.array([-1, 6, 1]),
    "to_row6": np.array([-1, 1, 1, 6]),
    "kernel": np.float32([[[[0.5, -1.0, 2.0]]]]),
    "two": np.float32([2.0]),
    "three": np.float32([[[1.0], [2.0], [3.0], [4.0], [5.0], [6.0]]]),
    "starts": np.array([0, 2]),
    "ends": np.array([9, 8]),
    "axes": np.array([0, 1]),
    "first": np.array([1]),
    "second": np.array([2]),
}


def node(operator: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), output.split(), **attributes)


# Two series of eight, a and b; a convolved to six; its ratio to the last six of b.
BEGIN = [
    node("Split", "x", "a b", axis=2, num_outputs=2),
    node("Unsqueeze", "a first", "unsqueezed"),
    node("Reshape", "unsqueezed to_row", "row"),
    node("Conv", "row kernel", "convolved"),
    node("Squeeze", "convolved second", "squeezed"),
    node("Reshape", "squeezed to_series", "filtered"),
    node("Slice", "b starts ends axes", "last"),
    node("Div", "filtered last", "ratio"),
]


def rewritten(*end: onnx.NodeProto, shape: tuple[int, ...]) -> Counter[str]:
    """Operators after the rewriting of BEGIN and an end, which must not change a bit of `y`."""
    graph = helper.make_graph(
        [onnx.NodeProto.FromString(n.SerializeToString()) for n in (*BEGIN, *end)],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 8, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", *shape])],
        [numpy_helper.from_array(value, name) for name, value in CONSTANTS.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    x = np.random.default_rng(0).normal(size=(3, 8, 2)).astype(np.float32)
    before = run(model, x)
    for rewrite in (flatten, as_rows):
        rewrite(model)
    onnx.checker.check_model(model, full_check=True)
    after = run(model, x)
    assert after.shape == (3, *shape) and np.unique(after).size > 2
    np.testing.assert_array_equal(after, before)
    return Counter(n.op_type for n in model.graph.node)


def run(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0]


def test_columns_are_turned_once_and_no_other_reshape_is_left() -> None:
    end = [
        node("Mul", "ratio two", "double"),
        node("Unsqueeze", "double first", "again"),
        node("Reshape", "again to_row6", "row6"),
        node("Conv", "row6 kernel", "y"),
    ]
    operators = rewritten(*end, shape=(1, 1, 4))
    assert operators == Counter(Transpose=1, Reshape=1, Slice=3, Conv=2, Div=1, Mul=1, Unsqueeze=1)


def test_columns_are_put_together_as_rows_and_turned_once() -> None:
    operators = rewritten(
        node("Concat", "ratio last", "z", axis=2), node("Neg", "z", "y"), shape=(6, 2)
    )
    assert operators == Counter(Transpose=2, Reshape=1, Slice=3, Conv=1, Div=1, Concat=1, Neg=1)


def test_what_minds_the_shape_gets_the_old_one() -> None:
    mean = node("ReduceMean", "ratio first", "y", keepdims=1)
    assert rewritten(mean, shape=(1, 1))["Reshape"] == 2


def test_what_broadcasts_gets_the_old_shape() -> None:
    end = [node("Mul", "ratio three", "scaled"), node("Neg", "scaled", "y")]
    assert rewritten(*end, shape=(6, 1))["Reshape"] == 2


def test_an_output_keeps_its_shape() -> None:
    assert rewritten(node("Neg", "ratio", "y"), shape=(6, 1))["Reshape"] == 2


def test_series_stacked_in_time_are_left_alone() -> None:
    end = [node("Concat", "ratio last", "z", axis=1), node("Neg", "z", "y")]
    operators = rewritten(*end, shape=(12, 1))
    assert operators["Transpose"] == 1


def test_what_is_cut_in_time_is_left_alone() -> None:
    """As many parts as each part has columns."""
    nodes = [node("Split", "x", "a b", axis=1, num_outputs=2), node("Sub", "a b", "y")]
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", 2, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", 1, 2])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    as_rows(model)
    assert [n.op_type for n in model.graph.node] == ["Split", "Sub"]
