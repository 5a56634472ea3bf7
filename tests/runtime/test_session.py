"""A graph is opened only if it is untouched and says what it needs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.errors import IntegrityError
from atb.registry import manifest
from atb.runtime import session as session_module
from atb.runtime.session import Session

SAID = "open,high,low,close,volume"


def test_it_knows_what_the_graph_says(model):
    session = Session.open(model(max_gap="3", symbol="ETHUSDT"))
    found = (session.symbol, session.market, session.rows, session.max_gap, session.unit)
    assert found == ("ETHUSDT", "candles", 6, 3, "return")
    assert session.says["timeframe"] == "1h"
    assert Session.open(model(output="probability")).unit == "probability"


def test_it_runs_on_one_thread(model):
    options = Session.open(model())._session.get_session_options()
    assert options.intra_op_num_threads == options.inter_op_num_threads == 1


def test_it_answers_in_float64(model):
    windows = np.full((3, 6, 5), 100, np.float32)
    windows[:, -1, 3] = [100, 110, 90]
    answers = Session.open(model()).run(windows)
    assert answers.dtype == np.float64
    assert answers == pytest.approx(np.log([1, 1.1, 0.9]), abs=1e-7)


def test_a_changed_graph_is_refused_before_it_is_parsed(model, monkeypatch):
    def parsed(*_, **__):
        pytest.fail("the graph was parsed")

    monkeypatch.setattr("onnxruntime.InferenceSession", parsed)
    folder = model()
    path = folder / "model.onnx"
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 2] ^= 1
    path.write_bytes(whole)
    with pytest.raises(IntegrityError, match="SHA-256"):
        Session.open(folder)


@pytest.mark.parametrize("content", [b"", b"no graph", b"\x08\x09" * 50, bytes(1000)])
def test_what_is_no_graph_is_refused(model, content):
    with pytest.raises(IntegrityError):
        Session.open(model(content))


@pytest.mark.parametrize(
    "name", ["symbol", "market", "timeframe", "columns", "window", "lookback", "max_gap"]
)
def test_a_graph_that_does_not_say_what_it_needs_is_refused(model, name):
    with pytest.raises(IntegrityError, match=f"does not say its '{name}'"):
        Session.open(model(**{name: None}))


@pytest.mark.parametrize(
    ("says", "message"),
    [
        (
            {"columns": "close,open,high,low,volume"},
            "says columns 'close,open,high,low,volume', no",
        ),
        ({"market": "tea"}, r"says market 'tea', not one of \['candles', 'book', 'bonds'\]"),
        ({"timeframe": "61m"}, "says timeframe '61m', not one of 1m, "),
        ({"window": "four"}, "says window 'four', not a whole number"),
        ({"window": "-4"}, "says window '-4', not a whole number"),
        ({"window": "²"}, "not a whole number"),
        ({"window": "5"}, r"takes \[\('candles', 'tensor\(float\)', \[6, 5\]\)\], not .*\[7, 5\]"),
        ({"source": "prices"}, r"takes \[\('prices'"),
        ({"output": "price"}, r"gives \['price', 'features'\], not one of"),
        ({"second": "price"}, r"gives \['return', 'price'\], not one of .* and features"),
    ],
)
def test_a_graph_that_is_not_what_it_says_is_refused(model, says, message):
    with pytest.raises(IntegrityError, match=message):
        Session.open(model(**says))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_an_answer_that_is_no_number_is_refused(model, value):
    session = Session.open(model())
    windows = np.full((3, 6, 5), 100, np.float32)
    windows[1, -1, 3] = value
    with pytest.raises(
        IntegrityError, match="answers 1 of 3 windows with what is not a finite number"
    ):
        session.run(windows)


def test_features_of_the_last_row_are_given_where_asked(model):
    session = Session.open(model())
    windows = np.random.default_rng(0).uniform(99, 101, (3, 6, 5)).astype(np.float32)
    answers, features = session.observe(windows)
    assert answers.tolist() == session.run(windows).tolist()
    assert features.dtype == np.float32 and features.tolist() == windows[:, -1].tolist()


def test_a_graph_without_features_serves_all_but_those(model):
    session = Session.open(model(second=None))
    windows = np.full((1, 6, 5), 100, np.float32)
    assert session.run(windows) == 0.0
    with pytest.raises(IntegrityError, match="does not give the features it computes"):
        session.observe(windows)


def test_an_observed_answer_that_is_no_number_is_refused(model):
    windows = np.full((3, 6, 5), 100, np.float32)
    windows[1, -1, 3] = np.nan
    with pytest.raises(
        IntegrityError, match="answers 1 of 3 windows with what is not a finite number"
    ):
        Session.open(model()).observe(windows)


@pytest.mark.parametrize("value", [90.0, 300.0])
def test_an_answer_that_is_no_probability_is_refused(model, value):
    session = Session.open(model(output="probability"))
    windows = np.full((3, 6, 5), 100, np.float32)
    assert session.run(windows).tolist() == [0.0] * 3
    windows[1, -1, 3] = value
    with pytest.raises(IntegrityError, match="answers 1 of 3 windows with what is no probability"):
        session.run(windows)


def test_an_answer_of_too_few_numbers_is_refused(model):
    session = Session.open(model(output="probabilities"))
    with pytest.raises(IntegrityError, match=r"answers 2 windows of probabilities with \[2, 1\]"):
        session.run(np.full((2, 6, 5), 100, np.float32))


@pytest.mark.parametrize("name", ["other.onnx", "../model0/model.onnx", "/model.onnx", "..", ""])
def test_only_a_graph_of_the_folder_is_opened(model, name):
    folder = model()
    if not name:
        assert Session.open(folder, name).path == folder / "model.onnx"
        return
    with pytest.raises(IntegrityError, match=f"the model has no '{name}', only model.onnx"):
        Session.open(folder, name)


def test_the_bytes_that_are_opened_are_those_that_were_verified(model, monkeypatch):
    folder, other = model(), model(symbol="ETHUSDT")
    real = session_module.verify

    def verify_then_swap(path):
        found = real(path)
        (other / "model.onnx").replace(folder / "model.onnx")
        return found

    monkeypatch.setattr(session_module, "verify", verify_then_swap)
    with pytest.raises(IntegrityError, match="changed while it was read"):
        Session.open(folder)


def test_the_graph_that_the_model_serves_is_opened(model):
    folder = model()
    (folder / "model.small.onnx").write_bytes((model(max_gap="3") / "model.onnx").read_bytes())
    (folder / "metadata.json").write_text('{"serves": "model.small.onnx"}')
    seal(folder)
    assert Session.open(folder).max_gap == 3
    assert Session.open(folder, "model.onnx").max_gap == 0


def seal(folder: Path) -> None:
    """Let the manifest speak of the files that are there now."""
    (folder / manifest.NAME).unlink()
    manifest.write(folder)


def profile(*names: str) -> dict[str, Any]:
    return {"features": [{"name": name} for name in names]}


NAMES = '["a", "b", "c", "d", "e"]'


@pytest.mark.parametrize(
    ("says", "file", "content", "message"),
    [
        ({}, "metadata.json", {"timeframe": "4h"}, "the graph says timeframe 1h, metadata.json 4h"),
        ({}, "metadata.json", {"window": 5}, "the graph says window 4, metadata.json 5"),
        ({}, "metadata.json", {"symbol": "ETHUSDT"}, "symbol BTCUSDT, metadata.json ETHUSDT"),
        ({}, "metadata.json", {"max_gap": 1}, "max_gap 0, metadata.json 1"),
        (
            {"features_sha256": "aa"},
            "metadata.json",
            {"features_sha256": "bb"},
            "features_sha256 aa, metadata.json bb",
        ),
        (
            {"order": "oldest first"},
            "metadata.json",
            {"order": "newest first"},
            "order oldest first, metadata.json newest first",
        ),
        ({}, "metadata.json", ["window"], "no object"),
        ({}, "profile.json", profile("a", "b"), "gives 5 features, profile.json knows 2"),
        ({}, "profile.json", profile(), "gives 5 features, profile.json knows 0"),
        ({}, "profile.json", {}, "it names no features"),
        (
            {"feature_names": NAMES},
            "profile.json",
            profile("a", "b", "d", "c", "e"),
            "feature 3 of the graph is c, of profile.json d",
        ),
        ({"feature_names": '["a"]'}, "metadata.json", {}, "5 features, its properties name 1"),
        ({"feature_names": "a,b"}, "metadata.json", {}, "feature_names cannot be read"),
        ({"feature_names": "5"}, "metadata.json", {}, "feature_names cannot be read"),
    ],
)
def test_a_folder_that_tells_two_stories_is_refused(model, says, file, content, message):
    folder = model(**says)
    (folder / file).write_text(json.dumps(content))
    seal(folder)
    with pytest.raises(IntegrityError, match=message):
        Session.open(folder)


def test_a_folder_that_tells_one_story_is_opened(model):
    folder = model(feature_names=NAMES)
    metadata = {"window": 4, "symbol": "BTCUSDT", "columns": SAID, "atb": "0.0.1"}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    (folder / "profile.json").write_text(json.dumps(profile(*"abcde")))
    seal(folder)
    assert Session.open(folder).width == 5


def graph_of(*nodes, second=None, **constants):
    """Bytes of a graph of candles made of these operators."""
    from onnx import TensorProto, helper, numpy_helper

    given = helper.make_tensor_value_info("candles", TensorProto.FLOAT, ["batch", 6, 5])
    made = helper.make_tensor_value_info("return", TensorProto.FLOAT, None)
    held = [numpy_helper.from_array(np.asarray(one), name) for name, one in constants.items()]
    whole = helper.make_model(
        helper.make_graph(nodes, "test", [given], [made, *([second] if second else [])], held),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=9,
    )
    helper.set_model_props(whole, SAYS)
    return bytes(whole.SerializeToString())


SAYS = {
    **{"symbol": "BTCUSDT", "market": "candles", "timeframe": "1h", "columns": SAID},
    **{"window": "4", "lookback": "2", "max_gap": "0"},
}


def test_a_graph_that_cannot_run_is_refused(model):
    """Only what it is given shows that a row is not there."""
    from onnx import helper

    gather = helper.make_node("Gather", ["candles", "row"], ["return"], axis=1)
    session = Session.open(model(graph_of(gather, row=np.array([6], np.int64))))
    with pytest.raises(IntegrityError, match=r"cannot run the graph.*out of data bounds"):
        session.run(np.ones((1, 6, 5), np.float32))


def test_a_graph_that_answers_other_windows_is_refused(model):
    """Of two windows it makes one row, of 128 more than were asked for: none is an answer."""
    from onnx import helper

    nodes = [
        helper.make_node("ReduceMean", ["candles", "axes"], ["mean"], keepdims=0),
        helper.make_node("Reshape", ["mean", "sides"], ["return"]),
    ]
    axes = np.array([1], np.int64)
    session = Session.open(model(graph_of(*nodes, axes=axes, sides=np.array([-1, 1]))))
    for count in (1, 2, 128):
        with pytest.raises(IntegrityError, match=r"windows of return with \[(5|640), 1\]"):
            session.run(np.ones((count, 6, 5), np.float32))


@pytest.mark.parametrize("count", [1, 2, 127, 128, 129, 300])
def test_one_window_or_a_known_number_of_them_is_asked(model, monkeypatch, count):
    session = Session.open(model())
    windows = np.random.default_rng(0).uniform(99, 101, (count, 6, 5)).astype(np.float32)
    asked = []

    class Counting:
        def run(self, outputs, given):
            asked.append(len(given["candles"]))
            return session._session.run(outputs, given)

    answers = dataclasses.replace(session, _session=Counting()).run(windows)
    assert {*asked} <= {1, 128} and len(asked) == -(-count // 128)
    assert answers == pytest.approx(np.log(windows[:, -1, 3] / windows[:, 0, 0]), abs=1e-6)


def test_a_number_without_end_is_none(model):
    with pytest.raises(IntegrityError, match="not a whole number"):
        Session.open(model(window="1" * 5000))


def test_words_nested_without_end_are_none(model):
    with pytest.raises(IntegrityError, match="feature_names cannot be read"):
        Session.open(model(feature_names="[" * 90_000))


def test_features_that_are_one_number_are_refused(model):
    from onnx import TensorProto, helper

    content = graph_of(
        helper.make_node("ReduceMean", ["candles", "axes"], ["return"], keepdims=0),
        helper.make_node("ReduceMean", ["candles"], ["features"], keepdims=0),
        axes=np.array([1, 2], np.int64),
        second=helper.make_tensor_value_info("features", TensorProto.FLOAT, []),
    )
    with pytest.raises(IntegrityError, match="features"):
        Session.open(model(content)).observe(np.ones((1, 6, 5), np.float32))
