from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest

from atb.errors import IntegrityError
from atb.export import closeness, quantise
from atb.registry.onnx_file import require_plain


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return np.random.default_rng(3).normal(100, 1, (300, 6, 5)).astype(np.float32)


@pytest.fixture(scope="module", params=list(quantise.WAYS))
def way(request: pytest.FixtureRequest) -> quantise.Way:
    return quantise.WAYS[request.param]


@pytest.fixture(scope="module")
def small(small_network: bytes, way: quantise.Way, windows: np.ndarray) -> bytes:
    return quantise.smaller(small_network, way, windows)


def kinds(content: bytes) -> Counter[str]:
    return Counter(node.op_type for node in onnx.load_from_string(content).graph.node)


def test_the_answers_stay_close_and_features_the_same_bits(
    small_network: bytes, small: bytes, windows: np.ndarray, way: quantise.Way
) -> None:
    exact, found = (closeness.answers(graph, [windows]) for graph in (small_network, small))
    difference = closeness.closeness(exact, found, 0.005)
    assert 0 < difference.share < (0.05 if way.word == "int8" else 0.002)
    assert np.array_equal(exact.features, found.features)


def test_a_damaged_row_is_no_number_either(
    small_network: bytes, small: bytes, windows: np.ndarray
) -> None:
    damaged = windows[:4].copy()
    damaged[1, 2, 3] = np.nan
    damaged[2, 5, 0] = np.inf
    answers = [closeness.answers(graph, [damaged]).signal for graph in (small_network, small)]
    expected = [True, False, False, True]
    assert [np.isfinite(signal).tolist() for signal in answers] == [expected, expected]


def test_a_window_is_answered_alike_whatever_comes_with_it(
    small: bytes, windows: np.ndarray
) -> None:
    together = closeness.answers(small, [windows[:40]]).signal
    alone = [closeness.answers(small, [windows[i : i + 1]]).signal[0] for i in range(40)]
    np.testing.assert_allclose(together, alone, atol=1e-6 * 0.005)


def test_it_says_what_the_other_says_and_its_precision(
    small_network: bytes, small: bytes, way: quantise.Way
) -> None:
    before, after = (
        {prop.key: prop.value for prop in onnx.load_from_string(graph).metadata_props}
        for graph in (small_network, small)
    )
    assert after == {**before, "precision": way.word}


def test_its_operators_are_standard_and_it_is_a_plain_graph(small: bytes) -> None:
    model = onnx.load_from_string(small)
    assert {node.domain for node in model.graph.node} == {""}
    assert [opset.domain for opset in model.opset_import] == [""]
    assert not model.graph.value_info
    require_plain(small, "small")


def test_the_same_input_makes_the_same_bytes(
    small_network: bytes, small: bytes, way: quantise.Way, windows: np.ndarray
) -> None:
    assert quantise.smaller(small_network, way, windows) == small


def test_what_computes_in_whole_numbers(small_network: bytes, windows: np.ndarray) -> None:
    made = {
        name: kinds(quantise.smaller(small_network, way, windows))
        for name, way in quantise.WAYS.items()
    }
    assert made["dynamic"]["ConvInteger"] == made["dynamic"]["MatMulInteger"] == 1
    assert made["static"]["QuantizeLinear"] > 0 < made["static"]["DequantizeLinear"]
    assert not made["static"].keys() & {"QLinearConv", "QLinearMatMul"}
    assert made["static"]["DynamicQuantizeLinear"] == 0
    assert made["float16"] == kinds(small_network) + Counter({"Cast": 4})


def test_each_channel_of_a_product_has_a_range_of_its_own(
    small_network: bytes, windows: np.ndarray
) -> None:
    static = quantise.smaller(small_network, quantise.WAYS["static"], windows)
    constants = onnx.load_from_string(static).graph.initializer
    assert {"kernel_scale": [32]}.items() <= {one.name: list(one.dims) for one in constants}.items()


def test_static_ranges_are_those_of_the_windows_given(
    small_network: bytes, windows: np.ndarray
) -> None:
    way = quantise.WAYS["static"]
    narrow = quantise.smaller(small_network, way, 100 + (windows - 100) / 50)
    wide = quantise.smaller(small_network, way, windows)
    exact = closeness.answers(small_network, [windows])
    errors = [
        closeness.closeness(exact, closeness.answers(graph, [windows]), 1.0).rms
        for graph in (narrow, wide)
    ]
    assert errors[0] > 5 * errors[1]


def test_nothing_is_left_behind(
    small_network: bytes, windows: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    quantise.smaller(small_network, quantise.WAYS["static"], windows)
    assert list(tmp_path.iterdir()) == []  # type: ignore[attr-defined]


def test_a_graph_without_weights_is_refused(small_network: bytes, windows: np.ndarray) -> None:
    model = onnx.load_from_string(small_network)
    for node in model.graph.node:
        if node.op_type in {"Conv", "GRU", "MatMul"}:
            node.op_type = "Nothing"
    with pytest.raises(IntegrityError, match="no weights of Conv, Gemm, MatMul"):
        quantise.smaller(model.SerializeToString(), quantise.WAYS["dynamic"], windows)


def test_a_recurrence_alone_is_kept_in_int8(small_network: bytes, windows: np.ndarray) -> None:
    model = onnx.load_from_string(small_network)
    for name, size in (("kernel", (32, 5, 1, 3)), ("line", (32, 1))):  # no constants any more
        tensor = next(one for one in model.graph.initializer if one.name == name)
        model.graph.initializer.remove(tensor)
        made = onnx.helper.make_node("Constant", [], [name], name, value=tensor)
        model.graph.node.insert(0, made)
        assert tuple(tensor.dims) == size
    found = kinds(quantise.smaller(model.SerializeToString(), quantise.WAYS["dynamic"], windows))
    assert found["MatMulInteger"] == found["ConvInteger"] == 0
    assert found["Cast"] == 2
