"""Trees and lines that say of themselves what would make onnxruntime read or write elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from atb.errors import IntegrityError
from atb.registry import onnx_file, onnx_learned
from atb.registry.onnx_wire import WireError, whole

COLUMNS = 3
# One tree of two splits, one that is a leaf.
TREES: dict[str, Any] = {
    "n_targets": 1,
    "nodes_treeids": [0, 0, 0, 0, 0, 1],
    "nodes_nodeids": [0, 1, 2, 3, 4, 0],
    "nodes_modes": ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF", "LEAF"],
    "nodes_featureids": [0, 2, 0, 0, 0, 0],
    "nodes_values": [0.5, -1.0, 0.0, 0.0, 0.0, 0.0],
    "nodes_truenodeids": [1, 2, 0, 0, 0, 0],
    "nodes_falsenodeids": [4, 3, 0, 0, 0, 0],
    "target_treeids": [0, 0, 0, 1],
    "target_nodeids": [2, 3, 4, 0],
    "target_ids": [0, 0, 0, 0],
    "target_weights": [1.0, 2.0, 3.0, 10.0],
}
LINE: dict[str, Any] = {"targets": 2, "coefficients": [0.1] * 6, "intercepts": [0.0, 1.0]}


def graph(operator: str, attributes: dict[str, Any], version: int = 3) -> bytes:
    node = helper.make_node(
        operator, ["windows"], ["answer"], domain=onnx_learned.DOMAIN, **attributes
    )
    made = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("windows", TensorProto.FLOAT, ["b", COLUMNS])],
        [helper.make_tensor_value_info("answer", TensorProto.FLOAT, ["b", None])],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid(onnx_learned.DOMAIN, version)]
    model = helper.make_model(made, opset_imports=opsets, ir_version=9)
    return bytes(model.SerializeToString())


def test_trees_and_lines_are_plain() -> None:
    import onnxruntime

    content = graph("TreeEnsembleRegressor", TREES)
    onnx_file.require_plain(content, "here")
    onnx_file.require_plain(graph("LinearRegressor", LINE), "here")
    session = onnxruntime.InferenceSession(content)
    windows = np.array([[0, 0, -2], [0, 0, 0], [1, 0, 0]], np.float32)
    (said,) = session.run(None, {"windows": windows})
    assert said.ravel().tolist() == [11, 12, 13]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"nodes_featureids": [0, 3, 0, 0, 0, 0]}, "reads features beyond 3"),
        ({"nodes_featureids": [0, -1, 0, 0, 0, 0]}, "negative or beyond 32 bits"),
        ({"nodes_truenodeids": [1, 0, 0, 0, 0, 0]}, "are no trees"),  # back to the root
        ({"nodes_truenodeids": [1, 1, 0, 0, 0, 0]}, "are no trees"),  # to itself
        ({"nodes_truenodeids": [9, 2, 0, 0, 0, 0]}, "nodes that it has not"),
        ({"nodes_falsenodeids": [3, 3, 0, 0, 0, 0]}, "are no trees"),  # two parents
        ({"nodes_nodeids": [0, 1, 2, 3, 3, 0]}, "in no order"),
        ({"nodes_nodeids": [0, 1, 2, 3, 4]}, "not told whole"),
        ({"nodes_values": [0.5]}, "not told whole"),
        ({"nodes_modes": ["BRANCH_EQ", *TREES["nodes_modes"][1:]]}, "BRANCH_EQ"),
        ({"target_ids": [0, 0, 1, 0]}, "answers beyond 1"),
        ({"target_nodeids": [2, 3, 1, 0]}, "at no leaf"),
        ({"target_treeids": [0, 0, 2, 1]}, "nodes that it has not"),
        ({"target_weights": [1.0]}, "leaves are not told whole"),
        ({"n_targets": 2_000}, "n_targets is 2000"),
        ({"base_values": [1.0, 2.0]}, "base_values are not one a target"),
        ({"post_transform": "SOFTMAX"}, "SOFTMAX"),
        ({"aggregate_function": "MAX"}, "aggregate_function"),
        ({"nodes_missing_value_tracks_true": [0] * 6}, "nodes_missing_value_tracks_true"),
    ],
)
def test_trees_that_lie_are_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        onnx_file.require_plain(graph("TreeEnsembleRegressor", TREES | changed), "here")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"coefficients": [0.1] * 5}, "coefficients are not 6"),
        ({"intercepts": [0.0]}, "intercepts are not 2"),
        ({"targets": 0}, "targets is 0"),
    ],
)
def test_lines_that_lie_are_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        onnx_file.require_plain(graph("LinearRegressor", LINE | changed), "here")


def test_a_cycle_that_no_tree_leads_to_is_refused() -> None:
    cycle = TREES | {
        "nodes_treeids": [0, 0, 0],
        "nodes_nodeids": [0, 1, 2],
        "nodes_modes": ["LEAF", "BRANCH_LEQ", "BRANCH_LEQ"],
        "nodes_featureids": [0, 0, 0],
        "nodes_values": [0.0] * 3,
        "nodes_truenodeids": [0, 1, 1],
        "nodes_falsenodeids": [0, 2, 2],
    }
    with pytest.raises(IntegrityError, match="are no trees"):
        onnx_file.require_plain(graph("TreeEnsembleRegressor", cycle), "here")


def test_a_tree_deeper_than_onnxruntime_can_read_is_refused() -> None:
    deep = onnx_learned.MAX_DEPTH + 5
    inner, count = np.arange(deep), 2 * deep + 1
    tree = {
        "n_targets": 1,
        "nodes_treeids": [0] * count,
        "nodes_nodeids": list(range(count)),
        "nodes_modes": ["BRANCH_LEQ"] * deep + ["LEAF"] * (deep + 1),
        "nodes_featureids": [0] * count,
        "nodes_values": [0.0] * count,
        "nodes_truenodeids": [*(inner + deep).tolist(), *[0] * (deep + 1)],
        "nodes_falsenodeids": [*(inner[1:]).tolist(), count - 1, *[0] * (deep + 1)],
        "target_treeids": [0],
        "target_nodeids": [count - 1],
        "target_ids": [0],
        "target_weights": [1.0],
    }
    with pytest.raises(IntegrityError, match="deeper than 512"):
        onnx_file.require_plain(graph("TreeEnsembleRegressor", tree), "here")


def test_other_operators_and_versions_of_the_domain_are_refused() -> None:
    with pytest.raises(IntegrityError, match="'SVMRegressor', which no model needs"):
        onnx_file.require_plain(graph("SVMRegressor", {}), "here")
    with pytest.raises(IntegrityError, match="opset 5"):
        onnx_file.require_plain(graph("LinearRegressor", LINE, version=5), "here")


@pytest.mark.parametrize("numbers", [[0], [1, 127, 128, 300, 2**31], list(range(1000))])
def test_numbers_one_by_one_are_read_at_once(numbers: list[int]) -> None:
    from atb.registry import onnx_wire

    attribute = helper.make_attribute("ids", numbers)
    node = onnx.NodeProto(op_type="Cast", attribute=[attribute])
    model = onnx.ModelProto(graph=onnx.GraphProto(node=[node]))
    read = onnx_wire.model(bytes(model.SerializeToString()))
    assert whole(read["graph"]["node"][0]["attribute"][0]["ints"]).tolist() == numbers


def test_no_number_is_read_beyond_its_list() -> None:
    for packed in (b"", b"\x80", b"\x01\xff", b"\xff\xff\xff\xff\xff\x01"):
        with pytest.raises(WireError):
            whole([memoryview(packed)])
