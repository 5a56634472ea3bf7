from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from atb.export.closeness import Answers, answers, closeness


def said(unit: str, signal: list[float] | list[list[float]], features: float = 2.0) -> Answers:
    return Answers(unit, np.array(signal), np.full((len(signal), 1), features, np.float32))


def test_differences_of_a_quantity_are_in_deviations() -> None:
    found = closeness(said("return", [1.0, 3.0]), said("return", [1.0, 3.4], 2.5), scale=0.5)
    assert found.unit == "deviations"
    assert found.largest == pytest.approx(0.8)
    assert found.rms == pytest.approx(0.8 / math.sqrt(2))
    assert found.share == pytest.approx(0.4 / math.sqrt(2))  # the answers' own deviation is 1
    assert found.features == pytest.approx(0.25)


def test_differences_of_classes_are_probabilities() -> None:
    exact = said("probabilities", [[0.2, 0.3, 0.5], [0.4, 0.3, 0.3]])
    small = said("probabilities", [[0.2, 0.3, 0.5], [0.4, 0.2, 0.4]])
    found = closeness(exact, small, scale=1.0)
    assert (found.unit, found.largest) == ("probability", pytest.approx(0.1))
    assert found.rms == pytest.approx(math.sqrt(0.02 / 6))
    assert found.share == pytest.approx(math.sqrt(0.02 / 6) / math.sqrt((0.01 + 0 + 0.01) / 3))


@pytest.mark.parametrize(
    ("unit", "before", "after", "turned"),
    [
        ("return", [0.1, -0.1, 0.2, -0.2], [0.1, 0.1, 0.3, -0.3], 0.25),
        ("probability", [0.4, 0.6, 0.45, 0.9], [0.6, 0.4, 0.44, 0.8], 0.5),
        ("probabilities", [[0.2, 0.8], [0.6, 0.4]], [[0.3, 0.7], [0.4, 0.6]], 0.5),
        (
            "probabilities",
            [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]],
            [[0.3, 0.5, 0.2], [0.5, 0.3, 0.2]],
            0.5,
        ),
    ],
)
def test_answers_that_change_side_are_counted(
    unit: str, before: list[Any], after: list[Any], turned: float
) -> None:
    assert closeness(said(unit, before), said(unit, after), scale=1.0).turned == turned


def test_answers_that_are_all_the_same_are_close_to_nothing() -> None:
    found = closeness(said("return", [1.0, 1.0]), said("return", [1.0, 1.1]), scale=1.0)
    assert found.share == math.inf


def test_batches_are_answered_as_one(small_network: bytes) -> None:
    windows = np.random.default_rng(1).normal(100, 5, (7, 6, 5)).astype(np.float32)
    whole = answers(small_network, [windows])
    parts = answers(small_network, [windows[:3], windows[3:]])
    assert whole.unit == "return"
    assert whole.signal.shape == (7,)
    np.testing.assert_allclose(parts.signal, whole.signal, rtol=1e-6)
    np.testing.assert_array_equal(whole.features, windows[:, -1] * np.float32(0.01))


@pytest.mark.parametrize(
    ("unit", "shape", "expected"),
    [
        ("return", [2], [[1.0], [3.0]]),
        ("probabilities", [3], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        ("probabilities", [2, 3], [[1.0, 2.0, 3.0], [7.0, 8.0, 9.0]]),
    ],
)
def test_of_several_horizons_the_first_is_the_one_that_is_traded(
    unit: str, shape: list[int], expected: list[list[float]]
) -> None:
    given = helper.make_tensor_value_info("candles", TensorProto.FLOAT, ["batch", *shape])
    made = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape])
        for name in (unit, "features")
    ]
    nodes = [helper.make_node("Identity", ["candles"], [name]) for name in (unit, "features")]
    graph = helper.make_graph(nodes, "g", [given], made)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    rows = 1 + np.arange(2 * math.prod(shape), dtype=np.float32).reshape(2, *shape)
    found = answers(model.SerializeToString(), [rows]).signal
    assert found.reshape(2, -1).tolist() == expected
