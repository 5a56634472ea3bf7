"""What a graph takes is told as onnxruntime then makes it, operator by operator."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from atb.registry import onnx_shapes, onnx_wire
from atb.registry.onnx_known import Known
from atb.registry.onnx_rules import RULES
from atb.registry.onnx_wire import WireError
from atb.runtime.pool import REFUSALS

SIDES = {"x": (1, 6, 5), "image": (1, 3, 8, 6), "flags": (1, 6, 5), "steps": (7, 1, 5)}


def whole(*values: int) -> Any:
    return np.array(values, np.int64)


def zeros(*shape: int) -> Any:
    return np.zeros(shape, np.float32)


# Operator, what it reads (inputs by name, constants as arrays), its attributes, its results.
CASES: list[tuple[str, list[Any], dict[str, Any], int]] = [
    *((name, ["x"], {}, 1) for name in ("Abs", "Relu", "Softmax", "Identity", "Flatten", "Shape")),
    ("Add", ["x", zeros(1, 5)], {}, 1),
    ("Where", ["flags", "x", zeros(6, 1)], {}, 1),
    ("Sum", ["x", zeros(3, 1, 1, 1), zeros(5)], {}, 1),
    ("Cast", ["x"], {"to": TensorProto.INT64}, 1),
    ("Reshape", ["x", whole(0, -1, 10)], {}, 1),
    ("Reshape", ["x", whole(5, -1)], {"allowzero": 1}, 1),
    ("Flatten", ["image"], {"axis": -2}, 1),
    ("Squeeze", ["x", whole(0)], {}, 1),
    ("Squeeze", ["x"], {}, 1),
    ("Unsqueeze", ["x", whole(0, -1)], {}, 1),
    ("Transpose", ["x"], {}, 1),
    ("Transpose", ["image"], {"perm": [2, 0, 1, 3]}, 1),
    ("Slice", ["x", whole(1, -2), whole(2**31 - 1, 99), whole(1, -1)], {}, 1),
    ("Slice", ["x", whole(-1), whole(-(2**31)), whole(1), whole(-2)], {}, 1),
    ("Concat", ["x", "x"], {"axis": -1}, 1),
    ("Split", ["x", whole(1, 2, 3)], {"axis": 1}, 3),
    ("Split", ["x"], {"axis": 2, "num_outputs": 3}, 3),
    ("Gather", ["x", whole(0, 3)], {"axis": 1}, 1),
    ("Gather", ["x", np.array(2, np.int64)], {"axis": -1}, 1),
    ("Shape", ["image"], {"start": 1, "end": -1}, 1),
    ("ConstantOfShape", [whole(2, 3)], {}, 1),
    ("Expand", ["x", whole(4, 1, 1)], {}, 1),
    ("Pad", ["x", whole(0, 1, -2, 0, 3, 0)], {}, 1),
    ("Pad", ["x", whole(1, 4), np.array(0, np.float32), whole(-1)], {}, 1),
    ("ReduceMean", ["x", whole(1, 2)], {"keepdims": 0}, 1),
    ("ReduceSum", ["x", whole(-1)], {}, 1),
    ("ReduceSum", ["x"], {"noop_with_empty_axes": 1}, 1),
    ("ReduceMax", ["x"], {}, 1),
    ("MatMul", ["x", zeros(5, 4)], {}, 1),
    ("MatMul", ["x", zeros(5)], {}, 1),
    ("MatMul", [zeros(6), zeros(3, 6, 2)], {}, 1),
    ("Gemm", [zeros(3, 4), zeros(2, 4)], {"transB": 1}, 1),
    ("Conv", ["image", zeros(4, 3, 3, 2)], {"pads": [1, 0, 2, 1], "strides": [2, 1]}, 1),
    ("Conv", ["image", zeros(4, 3, 3, 2)], {"dilations": [2, 2]}, 1),
    ("Conv", ["image", zeros(4, 3, 3, 3)], {"auto_pad": "SAME_UPPER", "strides": [3, 2]}, 1),
    ("Conv", ["image", zeros(4, 3, 3, 3)], {"auto_pad": "VALID"}, 1),
    ("MaxPool", ["image"], {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1}, 1),
    ("AveragePool", ["image"], {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0]}, 1),
    ("GlobalAveragePool", ["image"], {}, 1),
    ("GRU", ["steps", zeros(1, 12, 5), zeros(1, 12, 4)], {"hidden_size": 4}, 2),
    ("LSTM", ["steps", zeros(2, 16, 5), zeros(2, 16, 4)],
     {"hidden_size": 4, "direction": "bidirectional"}, 3),
    ("LayerNormalization", ["x", zeros(5)], {}, 1),
    ("DynamicQuantizeLinear", ["x"], {}, 3),
]  # fmt: skip


def graph_of(operator: str, reads: list[Any], attributes: dict[str, Any], outputs: int) -> Any:
    names = [one if isinstance(one, str) else f"c{i}" for i, one in enumerate(reads)]
    constants = [
        numpy_helper.from_array(one, name)
        for one, name in zip(reads, names, strict=True)
        if not isinstance(one, str)
    ]
    given = [
        helper.make_tensor_value_info(
            name,
            TensorProto.BOOL if name == "flags" else TensorProto.FLOAT,
            ["batch" if axis == (name == "steps") else side for axis, side in enumerate(sides)],
        )
        for name, sides in SIDES.items()
    ]
    results = [f"y{n}" for n in range(outputs)]
    node = helper.make_node(operator, names, results, **attributes)
    made = [helper.make_empty_tensor_value_info(name) for name in results]
    graph = helper.make_graph([node], "test", given, made, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)


def told(model: Any) -> list[tuple[int, ...]]:
    """Shapes of the results of the only operator."""
    return [one.shape for one in known_of(model)]


def known_of(model: Any) -> list[Known]:
    """What is known of the results of the only operator."""
    graph = onnx_wire.model(model.SerializeToString())["graph"]
    known = {
        **{bytes(one["name"]): onnx_shapes.of_tensor(one) for one in graph["initializer"]},
        **{bytes(one["name"]): onnx_shapes.of_input(one) for one in graph["input"]},
    }
    return [one for _, one in onnx_shapes.made(graph["node"][0], known)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{len(case[2])}")
def test_shapes_are_those_that_onnxruntime_makes(case: Any) -> None:
    model = graph_of(*case)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    feeds = {
        name: np.zeros(sides, bool if name == "flags" else np.float32)
        for name, sides in SIDES.items()
    }
    assert told(model) == [answer.shape for answer in session.run(None, feeds)]


def test_a_shape_that_is_computed_is_known() -> None:
    """A batch of states, as converters write it: the shape of what comes in, taken apart."""
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"]),
        helper.make_node("Gather", ["shape", "one"], ["rows"]),
        helper.make_node("Mul", ["rows", "two"], ["twice"]),
        helper.make_node("Concat", ["twice", "two"], ["wanted"], axis=0),
        helper.make_node("ConstantOfShape", ["wanted"], ["y"]),
        helper.make_node("MatMul", ["y", "kernel"], ["z"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 6, 5])
    constants = [
        numpy_helper.from_array(whole(1), "one"),
        numpy_helper.from_array(whole(2), "two"),
        numpy_helper.from_array(zeros(2, 9), "kernel"),
    ]
    out = helper.make_tensor_value_info("z", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "test", [given], [out], constants)
    read = onnx_wire.model(helper.make_model(graph).SerializeToString())["graph"]
    onnx_shapes.require_small(read)
    known = {bytes(one["name"]): onnx_shapes.of_tensor(one) for one in read["initializer"]}
    known[b"x"] = onnx_shapes.of_input(read["input"][0])
    for node in read["node"]:
        known.update(onnx_shapes.made(node, known))
    assert known[b"wanted"].numbers.tolist() == [12, 2]
    assert known[b"z"].shape == (12, 9)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (("Reshape", ["x", whole(7)], {}, 1), r"\(1, 6, 5\) cannot become \(7,\)"),
        (("MatMul", ["x", zeros(4, 4)], {}, 1), "cannot be multiplied"),
        (("Concat", ["x", zeros(1, 6, 4)], {"axis": 1}, 1), "cannot be joined"),
        (("Split", ["x", whole(1, 9)], {"axis": 1}, 2), "cannot be split"),
        (("Transpose", ["x"], {"perm": [0, 0, 1]}, 1), "no order"),
        (("ConstantOfShape", [whole(-1)], {}, 1), "no shape"),
        (("Squeeze", ["x", whole(9)], {}, 1), "not among"),
        (("MaxPool", ["image"], {"kernel_shape": [0, 2]}, 1), "a window of"),
        (("MaxPool", ["image"], {}, 1), "cannot be told"),
        (
            ("Conv", ["image", zeros(4, 3, 3, 2)], {"kernel_shape": [3, 2**30]}, 1),
            r"kernel_shape is said to be \[3, 1073741824\], it is \[3, 2\]",
        ),
        (
            ("GRU", ["steps", zeros(1, 12, 5), zeros(1, 12, 4)], {"hidden_size": 5}, 1),
            "hidden_size is said to be 5, it is 4",
        ),
        (
            ("Split", ["x"], {"axis": 2, "num_outputs": 2}, 3),
            "num_outputs is said to be 2, it is 3",
        ),
        (("Flatten", ["x"], {"axis": 2**40}, 1), "an attribute of 1099511627776"),
        (("Add", ["x", zeros(4)], {}, 1), "cannot be told"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(case: Any, words: str) -> None:
    with pytest.raises(WireError, match=words):
        told(graph_of(*case))


def test_every_rule_is_named_for_an_operator() -> None:
    from onnx import defs

    assert [name for name in RULES if not defs.has(name)] == []


@pytest.mark.parametrize(
    ("case", "products"),
    [
        (("Add", ["x", "x"], {}, 1), 0),
        (("MatMul", ["x", zeros(5, 4)], {}, 1), 6 * 4 * 5),
        (("Gemm", [zeros(3, 4), zeros(2, 4)], {"transB": 1}, 1), 3 * 2 * 4),
        (("Conv", ["image", zeros(4, 3, 3, 2)], {}, 1), 4 * 6 * 5 * 18),
        (("MaxPool", ["image"], {"kernel_shape": [3, 2]}, 1), 3 * 6 * 5 * 6),
        (("GRU", ["steps", zeros(1, 12, 5), zeros(1, 12, 4)], {"hidden_size": 4}, 1), 7 * 12 * 9),
    ],
)
def test_multiplications_are_counted(case: Any, products: int) -> None:
    (known,) = known_of(graph_of(*case))
    assert known.products == products


@pytest.mark.parametrize("kind", [np.int8, np.int32, np.int64, np.uint8])
@pytest.mark.parametrize("operator", ["Add", "Sub", "Mul", "ReduceProd"])
@pytest.mark.parametrize("values", [[3, 5], [-7, 100], [2**31 - 1, 2], [2**16, 2**16], [200, 99]])
def test_numbers_are_those_that_onnxruntime_makes_or_not_known(
    kind: Any, operator: str, values: list[int]
) -> None:
    """It lets some wrap around and holds others at the largest: then none is told."""
    one, other = np.array(values).astype(kind)[:, np.newaxis]
    reads = [np.array([*one, *other])] if operator == "ReduceProd" else [one, other]
    model = graph_of(operator, reads, {}, 1)
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString())
    except REFUSALS:  # not every operator takes every type
        return
    feeds = {
        name: np.zeros(sides, bool if name == "flags" else np.float32)
        for name, sides in SIDES.items()
    }
    (answer,) = session.run(None, feeds)
    (known,) = known_of(model)
    exact = {"Add": sum, "Sub": lambda v: v[0] - v[1]}.get(operator, math.prod)
    wanted = exact([int(*one), int(*other)])
    fits = np.iinfo(kind).min <= wanted <= np.iinfo(kind).max and abs(wanted) < 2**31
    assert (known.value is not None) == fits
    if known.value is not None:
        assert known.value.tolist() == answer.tolist() == [wanted]
        assert known.value.dtype == answer.dtype == kind


def test_a_result_of_many_sides_is_refused() -> None:
    axes = whole(*range(6))
    read = onnx_wire.model(graph_of("Unsqueeze", ["x", axes], {}, 1).SerializeToString())
    with pytest.raises(WireError, match="a tensor of 9 sides"):
        onnx_shapes.require_small(read["graph"])
