from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from atb.errors import IntegrityError
from atb.export import weights


@pytest.fixture
def model(small_network: bytes) -> onnx.ModelProto:
    return onnx.load_from_string(small_network)


def constants(graph: onnx.GraphProto) -> dict[str, np.ndarray]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}


def test_what_the_features_need_is_no_part_of_the_network(model: onnx.ModelProto) -> None:
    found = [node.name for node in weights.network(model.graph)]
    assert "scaled" in found and "signal" in found
    assert not {"matrix", "bar", "features"} & set(found)


def test_a_graph_without_features_is_refused(model: onnx.ModelProto) -> None:
    del model.graph.output[1:]
    with pytest.raises(IntegrityError, match="gives no features"):
        weights.network(model.graph)


def test_a_product_that_makes_features_keeps_its_weights(model: onnx.ModelProto) -> None:
    (first,) = (node for node in model.graph.node if node.name == "matrix")
    first.op_type, first.input[1] = "MatMul", "squares"
    squares = numpy_helper.from_array(np.eye(5, dtype=np.float32), "squares")
    model.graph.initializer.append(squares)
    onnx.checker.check_model(model, full_check=True)
    assert [node.name for node in weights.weighted(model.graph, ("MatMul",))] == ["raw"]


def test_products_and_recurrences_are_found_where_their_weights_are_constants(
    model: onnx.ModelProto,
) -> None:
    def names(operators: tuple[str, ...]) -> list[str]:
        return [node.name for node in weights.weighted(model.graph, operators)]

    assert names(weights.PRODUCTS) == ["filtered", "raw"]
    assert names(weights.RECURRENT) == ["states"]
    line = next(node for node in model.graph.node if node.name == "raw")
    line.input[:] = ["hidden", "hidden"]
    assert names(weights.PRODUCTS) == ["filtered"]


def test_int8_rows_are_whole_numbers_times_a_scale() -> None:
    weight = numpy_helper.from_array(np.float32([[[127, -63.5, 0.2], [0, 0, 0]]]), "W")
    tensors, nodes = weights.int8(weight)
    steps, scale = map(numpy_helper.to_array, tensors)
    assert steps.dtype == np.int8
    assert steps.tolist() == [[[127, -64, 0], [0, 0, 0]]]
    assert scale.tolist() == [[[1.0], [1.0]]]
    assert [node.op_type for node in nodes] == ["Cast", "Mul"]


def test_each_direction_of_a_recurrence_has_scales_of_its_own() -> None:
    weight = numpy_helper.from_array(np.float32([[[1.0, 0.5]], [[1e-3, -1e-3]]]), "W")
    steps, scale = map(numpy_helper.to_array, weights.int8(weight)[0])
    assert steps.tolist() == [[[127, 64]], [[127, -127]]]
    np.testing.assert_allclose(scale.ravel(), np.array([1, 1e-3]) / 127, rtol=1e-6)


def test_float16_rounds_and_casts_back() -> None:
    weight = numpy_helper.from_array(np.float32([[1.0, 1.0001]]), "W")
    tensors, nodes = weights.float16(weight)
    assert numpy_helper.to_array(tensors[0]).tolist() == [[1.0, 1.0]]
    assert numpy_helper.to_array(tensors[0]).dtype == np.float16
    assert [node.op_type for node in nodes] == ["Cast"]


def test_stored_weights_replace_the_old_ones_and_biases_stay(model: onnx.ModelProto) -> None:
    before = constants(model.graph)
    weights.store(model.graph, tuple(weights.POSITIONS), weights.float16)
    onnx.checker.check_model(model, full_check=True)
    after = constants(model.graph)
    assert before.keys() - after.keys() == {"kernel", "W", "R", "line"}
    kept = {f"{name}/float16" for name in ("kernel", "W", "R", "line")}
    assert after.keys() - before.keys() == kept
    assert {after[name].dtype for name in kept} == {np.dtype(np.float16)}


def test_a_weight_that_two_layers_share_is_stored_once(model: onnx.ModelProto) -> None:
    recurrence = next(node for node in model.graph.node if node.name == "states")
    recurrence.input[2] = "W"
    weights.store(model.graph, ("GRU",), weights.float16)
    assert list(recurrence.input[1:]) == ["W/float32", "W/float32"]
    assert sum(node.op_type == "Cast" for node in model.graph.node) == 1
