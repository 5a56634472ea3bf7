"""A model answers bar by bar what it answers for the whole history, or refuses by type."""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atb import __version__
from atb.errors import (
    DamagedBarError,
    DataError,
    DuplicateBarError,
    GapError,
    IntegrityError,
    LateBarError,
    OutOfOrderBarError,
    UnclosedBarError,
    UsageError,
)
from atb.market import files
from atb.market.candles import Candles
from atb.market.lob import book
from atb.registry import promotion
from atb.registry.promotion import Grounds
from atb.registry.version import Version
from atb.runtime import scoring
from atb.runtime.predictor import Predictor
from atb.workspace import Workspace

HOUR = 3_600_000


@pytest.fixture(scope="module")
def hours(market_data: Path) -> Candles:
    """Two real years, with one gap."""
    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    return files.read(file, "BTCUSDT", "1h")


@pytest.fixture
def predictor(model):
    """`predictor(**how, **properties)` of a tiny model."""

    def make(says: dict[str, str] | None = None, **how) -> Predictor:
        return Predictor.of(Version.at(model(**(says or {}))), **how)

    return make


def fed(predictor: Predictor, candles: Candles) -> dict[int, float]:
    """Answers by row, of bars that were given one at a time."""
    answers = {row: predictor.update(candles.bar(row)) for row in range(len(candles))}
    return {row: answer.output for row, answer in answers.items() if answer}


def test_it_answers_once_the_window_is_whole(predictor, make_candles):
    candles, streaming = make_candles(8), predictor()
    assert (streaming.rows, streaming.missing, streaming.newest) == (6, 6, None)
    assert [streaming.update(candles.bar(row)) for row in range(5)] == [None] * 5
    assert streaming.missing == 1
    answer = streaming.update(candles.bar(5))
    assert answer is not None
    assert answer.output == pytest.approx(np.log(candles.close[5] / candles.open[0]), abs=1e-6)
    assert (answer.bar, answer.unit) == (candles.time[5], "return")
    assert answer.inputs == hashlib.sha256(candles.matrix()[:6].tobytes()).hexdigest()
    assert answer.features.tolist() == candles.matrix()[5].tolist()
    assert (streaming.missing, streaming.newest) == (0, candles.time[5])


def test_a_graph_without_features_answers_without(predictor, make_candles):
    streaming, candles = predictor({"second": None}), make_candles(8)
    streaming.warm(candles.rows(0, 6))
    answer = streaming.update(candles.bar(6))
    assert answer.features is None and isinstance(answer.output, float)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    missing=st.lists(st.integers(0, 58), max_size=5, unique=True),
    max_gap=st.integers(0, 2),
    restarts=st.lists(st.integers(1, 59), max_size=4),
)
def test_bar_by_bar_is_as_the_batch(predictor, make_candles, missing, max_gap, restarts):
    candles = make_candles(60, sorted(missing))
    says = {"max_gap": str(max_gap)}
    streaming, found = predictor(says), {}
    for row in range(60):
        if row in restarts:
            streaming = predictor(says)
            streaming.warm(candles.rows(0, row))
        answer = streaming.update(candles.bar(row))
        if answer:
            found[row] = answer.output
    try:
        batch = streaming.predict(candles)
    except DataError:
        assert not found  # no window is whole
        return
    assert list(found) == batch.rows.tolist()
    assert list(found.values()) == pytest.approx(batch.value.tolist(), abs=1e-6)


def test_a_gap_begins_the_window_anew(predictor, make_candles, caplog):
    candles, streaming = make_candles(20, [9]), predictor()
    with caplog.at_level(logging.WARNING):
        assert list(fed(streaming, candles)) == [*range(5, 10), *range(15, 20)]
    assert "BTCUSDT: 1 bars are missing before 2024-01-01T12:00:00Z" in caplog.text


def test_a_gap_is_an_error_where_it_shall_be(predictor, make_candles):
    candles, streaming = make_candles(20, [9]), predictor(gap="raise")
    streaming.warm(candles.rows(0, 10))
    with pytest.raises(
        GapError, match=r"1 bars are missing before 2024-01-01T12:00:00Z, .* lack 0"
    ):
        streaming.update(candles.bar(10))
    assert (streaming.missing, streaming.newest) == (5, candles.time[10])
    assert [streaming.update(candles.bar(row)) for row in range(11, 15)] == [None] * 4
    assert streaming.update(candles.bar(15)).inputs == fingerprint(candles, 10)


def test_a_gap_that_a_window_may_have_is_none(predictor, make_candles):
    candles, streaming = make_candles(12, [7]), predictor({"max_gap": "1"}, gap="raise")
    assert list(fed(streaming, candles)) == list(range(5, 12))


def fingerprint(candles: Candles, first: int) -> str:
    return hashlib.sha256(candles.matrix()[first : first + 6].tobytes()).hexdigest()


@pytest.mark.parametrize(
    ("error", "change"),
    [
        (DuplicateBarError, {"time": 0}),
        (DuplicateBarError, {"time": -3 * HOUR}),
        (OutOfOrderBarError, {"time": -30 * HOUR}),
        (OutOfOrderBarError, {"time": HOUR // 2}),
        (UnclosedBarError, {"time": 10_000 * HOUR}),
        (DamagedBarError, {"high": 1.0}),
        (DamagedBarError, {"close": float("nan")}),
    ],
)
def test_what_is_refused_is_not_taken(predictor, make_candles, error, change):
    candles = make_candles(9)
    end = int(candles.close_time[-1])
    streaming, untouched = (predictor(clock=lambda: end) for _ in range(2))
    for one in (streaming, untouched):
        one.warm(candles.rows(0, 8))
    time = change.pop("time", None)
    refused = candles.bar(8)._replace(**change)
    if time is not None:
        refused = refused._replace(time=int(candles.time[7]) + time)
    with pytest.raises(error):
        streaming.update(refused)
    assert streaming.newest == candles.time[7] and streaming.missing == 0
    assert streaming.update(candles.bar(8)).output == untouched.update(candles.bar(8)).output


def test_a_bar_is_taken_from_its_close_on(predictor, make_candles):
    candles = make_candles(7)
    close = int(candles.close_time[6])
    now = [close - 1]
    streaming = predictor(clock=lambda: now[0])
    streaming.warm(candles.rows(0, 6))
    with pytest.raises(UnclosedBarError, match="the bar of 2024-01-01T07:00:00Z closes in 1 ms"):
        streaming.update(candles.bar(6))
    with pytest.raises(UnclosedBarError):
        predictor(clock=lambda: now[0]).warm(candles)
    now[0] = close
    assert streaming.update(candles.bar(6)) is not None


def test_a_late_bar_is_no_number_and_is_taken(predictor, make_candles):
    candles = make_candles(8)
    now = [int(candles.close_time[6]) + 1001]
    streaming = predictor(clock=lambda: now[0], max_delay_ms=1000)
    streaming.warm(candles.rows(0, 6))
    with pytest.raises(LateBarError, match="came 1001 ms after its close, not within 1000 ms"):
        streaming.update(candles.bar(6))
    assert streaming.newest == candles.time[6]
    now[0] = int(candles.close_time[7]) + 1000
    assert streaming.update(candles.bar(7)).inputs == fingerprint(candles, 2)


def test_history_that_was_taken_is_skipped(predictor, make_candles):
    candles, streaming = make_candles(20), predictor()
    streaming.warm(candles.rows(0, 12))
    streaming.warm(candles.rows(4, 12))
    streaming.warm(candles.rows(0, 0))
    streaming.warm(candles.rows(4, 14))
    assert streaming.newest == candles.time[13]
    assert streaming.update(candles.bar(14)).inputs == fingerprint(candles, 9)


def test_history_between_the_bars_taken_is_refused(predictor, make_candles):
    candles, streaming = make_candles(20), predictor()
    streaming.warm(candles)
    columns = {name: getattr(candles, name) for name in candles.columns}
    shifted = Candles.from_columns("BTCUSDT", "1h", {**columns, "time": candles.time + HOUR // 2})
    with pytest.raises(OutOfOrderBarError):
        streaming.warm(shifted)
    assert streaming.newest == candles.time[-1] and streaming.missing == 0


def test_a_batch_leaves_the_stream_alone(predictor, make_candles):
    candles, streaming = make_candles(20), predictor()
    streaming.warm(candles.rows(0, 8))
    assert len(streaming.predict(candles)) == 15
    assert streaming.newest == candles.time[7]
    assert streaming.update(candles.bar(8)).inputs == fingerprint(candles, 3)


def test_history_begins_anew_after_a_gap(predictor, make_candles):
    streaming, candles = predictor(), make_candles(20, [16])
    streaming.warm(candles)
    assert streaming.missing == 6 - 3


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("close", np.nan, "no market has a bar of time 1704081600000"),
        ("low", 0.0, "no market has a bar"),
        ("volume", -1.0, "no market has a bar"),
        ("time", -2 * HOUR, "row 3 of 2024-01-01T02:00:00Z comes "),
        ("time", -HOUR, "row 3 of 2024-01-01T03:00:00Z comes 0 ms after the one before it"),
        ("time", HOUR // 2, "row 3 of 2024-01-01T04:30:00Z comes 5400000 ms after .* of 1h"),
    ],
)
def test_history_that_is_damaged_is_refused(predictor, make_candles, name, value, error):
    candles = make_candles(20)
    columns = {name: np.array(getattr(candles, name)) for name in ("time", *candles.columns)}
    columns[name][3] = columns[name][3] + value if name == "time" else value
    broken, streaming = Candles.from_columns("BTCUSDT", "1h", columns), predictor()
    for take in (streaming.warm, streaming.predict):
        with pytest.raises(DataError, match=error):
            take(broken)
    assert streaming.newest is None


def test_another_timeframe_is_refused_with_both_named(predictor, make_candles):
    with pytest.raises(DataError, match="trained on timeframe 1h, this is 4h"):
        predictor().warm(make_candles(30, timeframe="4h"))


def test_another_symbol_is_warned_of(predictor, make_candles, caplog):
    with caplog.at_level(logging.WARNING):
        predictor().warm(make_candles(30, symbol="ETHUSDT"))
    assert "was trained on BTCUSDT, not ETHUSDT" in caplog.text


def test_an_answer_that_is_no_number_is_an_error(predictor, make_candles):
    candles, streaming = make_candles(8), predictor({"output": "probability"})
    streaming.warm(candles.rows(0, 5))
    fallen = candles.bar(5)._replace(open=1.0, high=1.0, low=1.0, close=1.0)
    with pytest.raises(IntegrityError, match="1 of 1 windows with what is no probability"):
        streaming.update(fallen)


def test_a_model_of_books_answers_no_bars(model):
    says = {"columns": ",".join(book.columns(1)), "clock": "event", "every": "1", "tick": "0.01"}
    folder = model(source="book", width=6, market="book", timeframe=None, **says)
    with pytest.raises(UsageError, match="takes rows of a book, bars are candles"):
        Predictor.of(Version.at(folder))


@pytest.fixture
def registered(model, tmp_path):
    """A workspace with a version of the tiny model."""

    def register(symbol: str = "BTCUSDT") -> tuple[Workspace, Version]:
        workspace = Workspace(tmp_path / "art")
        place = workspace.models("BTCUSDT", "fast") / "20240101T000000Z-00000000"
        place.parent.mkdir(parents=True)
        model(symbol=symbol).rename(place)
        return workspace, Version.at(place)

    return register


def promote(workspace: Workspace, version: Version) -> None:
    seen = promotion.read(workspace, version.symbol)
    promotion.promote(workspace, version, seen, Grounds("a test", {}))


def test_the_promoted_model_is_loaded(registered, make_candles):
    workspace, version = registered()
    with pytest.raises(UsageError, match="no model of BTCUSDT is promoted"):
        Predictor.load(workspace.root, "BTCUSDT")
    promote(workspace, version)
    loaded = Predictor.load(str(workspace.root), "BTCUSDT", gap="raise")
    assert loaded.version.reference == "BTCUSDT/fast/20240101T000000Z-00000000"
    assert len(loaded.predict(make_candles(10))) == 5
    (version.path / "model.onnx").write_bytes(b"other")
    with pytest.raises(IntegrityError):
        Predictor.load(workspace.root, "BTCUSDT")


def test_a_promoted_model_of_another_symbol_is_refused(registered):
    workspace, version = registered("ETHUSDT")
    promote(workspace, version)
    with pytest.raises(IntegrityError, match="promoted for BTCUSDT, its graph says ETHUSDT"):
        Predictor.load(workspace.root, "BTCUSDT")


def test_predictors_of_one_graph_share_its_session(model):
    folder = model()
    first, second = (Predictor.of(Version.at(folder)) for _ in range(2))
    assert first.session._session is second.session._session


@pytest.fixture(scope="module")
def learned() -> Version:
    """A small model as it was trained: 15 features, convolution, two recurrent layers."""
    (folder,) = (Path(__file__).parent / "golden" / __version__).glob("*/*/*/")
    return Version.at(folder)


def test_real_hours_one_at_a_time_over_restarts(learned, hours):
    """5,000 bars around a gap, 10 restarts, and 20 that come late, doubled and out of order."""
    candles, now = hours.rows(0, 5000), [0]
    random = np.random.default_rng(0)
    restarts = random.choice(np.arange(300, 5000), 10, replace=False).tolist()
    late = random.choice(np.arange(300, 5000), 20, replace=False).tolist()

    def begin() -> Predictor:
        return Predictor.of(learned, clock=lambda: now[0], max_delay_ms=60_000)

    streaming, answers = begin(), {}
    for row in range(5000):
        now[0] = int(candles.close_time[row]) + (HOUR if row in late else 1000)
        if row in restarts:
            streaming = begin()
            streaming.warm(candles.rows(max(row - 300, 0), row))
        bar = candles.bar(row)
        if row in late:
            with pytest.raises(LateBarError):
                streaming.update(bar)
            with pytest.raises(DuplicateBarError):
                streaming.update(bar)
            with pytest.raises(OutOfOrderBarError):
                streaming.update(candles.bar(max(row - 1000, 0)))
        elif answer := streaming.update(bar):
            answers[row] = answer

    assert candles.breaks == 1
    batch, features = scoring.observe(learned.path, candles)
    heard = ~np.isin(batch.rows, late)
    rows = batch.rows[heard].tolist()
    assert list(answers) == rows and len(rows) > 4500
    said = [answer.output for answer in answers.values()]
    assert said == pytest.approx(batch.value[heard].tolist(), abs=1e-6)
    seen = np.array([answer.features for answer in answers.values()])
    assert np.all(np.abs(seen - features[heard]) <= 1e-6 * np.maximum(features.std(axis=0), 1))
    matrix, reach = candles.matrix(), streaming.rows
    for row in rows[::50]:  # the window's very bytes
        window = matrix[row - reach + 1 : row + 1].tobytes()
        assert answers[row].inputs == hashlib.sha256(window).hexdigest()


def test_serving_needs_nothing_of_training():
    code = (
        "from atb.runtime import Candle, Predictor; Predictor.load, Predictor.of\n"
        "import json, sys; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    heavy = {"tensorflow", "keras", "sklearn", "pandas", "pyarrow", "onnx", "pydantic", "requests"}
    assert not loaded & (heavy | {"rich", "yaml", "click", "scipy", "tf2onnx"})
    assert "onnxruntime" in loaded
