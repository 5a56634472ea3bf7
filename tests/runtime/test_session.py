"""A graph is opened only if it is untouched and says what it needs."""

from __future__ import annotations

import numpy as np
import pytest

from atb.errors import IntegrityError
from atb.runtime.session import Session


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
        ({"market": "tea"}, r"says market 'tea', not one of \['candles', 'book'\]"),
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
    with pytest.raises(IntegrityError, match="answers 1 of 3 windows with no finite number"):
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
    with pytest.raises(IntegrityError, match="answers 1 of 3 windows with no finite number"):
        Session.open(model()).observe(windows)
