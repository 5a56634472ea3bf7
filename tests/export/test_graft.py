"""An estimator's own operators in the place of its layer, and what is none of an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from atb.errors import IntegrityError

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

DOMAIN, COLUMNS = "ai.onnx.ml", 3
OPSETS = [helper.make_opsetid("", 18), helper.make_opsetid(DOMAIN, 3)]
LINE = {"targets": 1, "coefficients": [1.0, 10.0, 100.0], "intercepts": [0.5]}


def rows(name: str, width: int | None) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["b", width])


def file(answer: str = "answer", **changed: Any) -> bytes:
    line = helper.make_node(
        "LinearRegressor", ["windows"], [answer], domain=DOMAIN, **{**LINE, **changed}
    )
    made = helper.make_graph([line], "g", [rows("windows", COLUMNS)], [rows(answer, 1)])
    model = helper.make_model(made, opset_imports=OPSETS, ir_version=9)
    return bytes(model.SerializeToString())


def closed(content: bytes) -> onnx.ModelProto:
    """A graph that doubles what an estimator says of halved rows."""
    import keras

    from atb.export import graft
    from atb.export.estimator import answered

    windows = keras.Input((COLUMNS,))
    model = keras.Model(windows, answered(content, windows, 1))
    _, gaps = graft.opened(model)
    asked, given = graft.question(gaps[0]), graft.answer(gaps[0])
    nodes = [
        helper.make_node("Sum", [given, given], ["said"]),
        helper.make_node("Neg", ["rows"], [asked]),
    ]
    made = helper.make_graph(
        nodes,
        "g",
        [rows("rows", COLUMNS), rows(given, 1)],
        [rows("said", 1), rows(asked, COLUMNS)],
    )
    whole = helper.make_model(made, opset_imports=OPSETS, ir_version=9)
    graft.close(whole, gaps)
    return whole


def test_the_operators_stand_between_what_is_asked_and_what_is_answered() -> None:
    from atb.export.session import opened

    session = opened(closed(file()).SerializeToString())
    assert [one.name for one in session.get_inputs()] == ["rows"]
    assert [one.name for one in session.get_outputs()] == ["said"]
    (said,) = session.run(None, {"rows": np.array([[1, 2, 3]], np.float32)})
    assert said.tolist() == [[2 * (0.5 - 321)]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (file("another"), "nothing gives what its Sum reads"),
        (file(coefficients=[1.0]), "coefficients are not 3"),
        (b"\x80\x04cos\nsystem\n", "no plain graph"),
    ],
)
def test_a_weight_that_is_no_estimator_is_refused(content: bytes, words: str) -> None:
    with pytest.raises(IntegrityError, match=words):
        closed(content)
