"""Which source answers, and what is said when it is not the one hoped for."""

from __future__ import annotations

from pathlib import Path

import pytest

from atb.clock import now_ms, parse_time
from atb.config.data import CandleData
from atb.errors import DataError, UsageError
from atb.events import Warned
from atb.market import checks, sample, store
from atb.market.klines import Endpoints
from atb.market.load import load, unchecked
from atb.market.lob.store import import_lobster

HOUR = 3_600_000
NOWHERE = Endpoints("http://127.0.0.1:9/data", "http://127.0.0.1:9/api")
FEATHER = "crypto_ohlcv/BTCUSDT_1h_2023-01-01_2024-12-31.feather"
WINTER = {"start": "2024-11-10", "end": "2025-01-20"}


@pytest.fixture
def ask(workspace, exchange):
    """Load BTCUSDT by the fields of a spec; the candles and the warnings."""

    def run(symbol="BTCUSDT", endpoints=None, **fields):
        heard = []
        found = load(
            symbol, CandleData(**fields), workspace, heard.append, endpoints or exchange.endpoints
        )
        return found, [event.message for event in heard if isinstance(event, Warned)]

    return run


def test_a_file_is_taken_when_one_is_given(ask, market_data, exchange):
    found, warned = ask(path=market_data / FEATHER, start="2024-01-01", end="2024-01-03")
    assert (len(found), found.source, found.synthetic) == (48, f"file {Path(FEATHER).name}", False)
    assert warned == exchange.asked == []


def test_the_exchange_is_asked_once_and_then_the_store(ask, exchange, workspace):
    first, warned = ask(**WINTER)
    expected = exchange.candles.between(parse_time(WINTER["start"]), parse_time(WINTER["end"]))
    assert first.sha256() == expected.sha256()
    assert (first.source, first.synthetic, warned) == ("binance", False, [])
    assert list(workspace.downloads.rglob("*.zip*")) == []
    exchange.asked.clear()
    again, warned = ask(**WINTER)
    assert again.sha256() == first.sha256()
    assert exchange.asked == warned == []
    inside, _ = ask(start="2024-12-01", end="2024-12-02", endpoints=NOWHERE)
    assert len(inside) == 24


def test_the_store_is_extended_and_never_has_a_hole(ask, exchange, workspace):
    ask(start="2024-11-05", end="2024-11-07")
    ask(start="2025-01-10", end="2025-01-12")
    kept = store.read(workspace, "BTCUSDT", "1h")
    assert (
        kept.sha256()
        == exchange.candles.between(parse_time("2024-11-05"), parse_time("2025-01-12")).sha256()
    )
    ask(start="2024-10-20", end="2024-10-22")
    kept = store.read(workspace, "BTCUSDT", "1h")
    assert (kept.time[0], kept.missing_before().sum()) == (parse_time("2024-10-20"), 0)


def test_without_a_range_the_last_two_years_are_fetched(ask, exchange):
    now = now_ms()
    exchange.candles = sample.simulate("BTCUSDT", "1h", now - 800 * 24 * HOUR, now, 7)
    found, _ = ask(source="binance")
    assert found.time[0] >= now - 731 * 24 * HOUR
    assert 730 * 24 < len(found) <= 731 * 24
    assert found.close_time[-1] > now - 2 * HOUR


def test_when_the_exchange_is_away_the_store_answers_with_a_warning(ask):
    ask(**WINTER)
    found, warned = ask(start="2024-12-01", endpoints=NOWHERE)
    assert (len(found), found.synthetic) == (50 * 24, False)
    assert len(warned) == 1
    assert "using stored candles from 2024-12-01T00:00:00Z to 2025-01-19T23:00:00Z" in warned[0]


def test_when_nothing_can_be_had_the_simulator_answers_loudly(ask, workspace):
    found, warned = ask(endpoints=NOWHERE)
    assert (len(found), found.source, found.synthetic) == (17_544, "sample", True)
    assert len(warned) == 1
    assert "127.0.0.1:9 cannot be reached" in warned[0]
    assert "SYNTHETIC" in warned[0]
    assert not workspace.root.exists()


def test_only_auto_falls_back(ask):
    with pytest.raises(DataError, match="--candles PATH") as caught:
        ask(source="binance", endpoints=NOWHERE)
    assert caught.value.exit_code == 3


def test_a_wrong_symbol_does_not_fall_back(ask):
    with pytest.raises(UsageError, match="Binance lists no spot market 'BTCUSD'"):
        ask("BTCUSD")
    with pytest.raises(UsageError, match="is not a symbol"):
        ask("../x")


def test_damage_does_not_fall_back(ask, exchange, workspace):
    exchange.faults = {"2024-12.zip": [None, "corrupt"] * 2}
    with pytest.raises(DataError, match="SHA-256"):
        ask(**WINTER)
    assert not store.exists(workspace, "BTCUSDT", "1h")


def test_bad_bars_from_the_exchange_are_not_stored(ask, exchange, workspace, bars):
    exchange.candles = bars(48, start=parse_time("2024-12-01"), low=[99.0] * 47 + [-1.0])
    with pytest.raises(DataError, match=r"Binance BTCUSDT 1h, row 47.*zero or negative"):
        ask(start="2024-12-01", end="2024-12-03")
    assert not store.exists(workspace, "BTCUSDT", "1h")


def test_the_simulator_by_name(ask, exchange):
    found, warned = ask(source="sample")
    again, _ = ask(source="sample")
    other, _ = ask("ETHUSDT", source="sample")
    assert found.sha256() == again.sha256()
    assert found.close.tolist() != other.close.tolist()
    assert (found.time[0], len(found)) == (sample.DEFAULT_START_MS, 17_544)
    assert warned == exchange.asked == []


@pytest.mark.parametrize(
    ("fields", "first", "bars"),
    [
        ({"start": "2024-06-01"}, "2024-06-01", 214 * 24),
        ({"start": "2026-01-01"}, "2026-01-01", 731 * 24),
        ({"end": "2020-01-01"}, "2017-12-31", 731 * 24 - 24),
        ({"start": "2024-01-01", "end": "2024-01-02"}, "2024-01-01", 24),
    ],
)
def test_ranges_of_the_simulator(ask, fields, first, bars):
    found, _ = ask(source="sample", **fields)
    assert abs(len(found) - bars) <= 24
    assert abs(int(found.time[0]) - parse_time(first)) <= 24 * HOUR


@pytest.mark.parametrize(
    ("fields", "error", "answer"),
    [
        ({"source": "file"}, UsageError, "source 'file' needs a file; name it with --candles"),
        ({"source": "sample", "path": "x.csv"}, UsageError, "leave out one of --candles"),
        ({"source": "file", "path": "absent.csv"}, DataError, "absent.csv: it cannot be opened"),
        ({"source": "binance", "start": "2024-01-01", "end": "2024-01-02"}, DataError, "has no 1h"),
        ({"source": "binance", "start": "2080-01-01"}, DataError, "has no 1h candles"),
        ({"source": "sample", "start": "2024-01-01T00:01", "end": "2024-01-01T00:02"}, DataError,
         "the range is shorter than one bar"),
    ],
)  # fmt: skip
def test_what_cannot_be_had(ask, fields, error, answer):
    with pytest.raises(error, match=answer):
        ask(**fields)


def test_a_range_outside_a_file_says_what_the_file_has(ask, market_data):
    with pytest.raises(DataError, match=r"it has 2023-01-01T00:00:00Z to 2025-01-20T00:00:00Z"):
        ask(path=market_data / FEATHER, start="2026-01-01")


def test_a_file_of_another_timeframe_is_refused(ask, market_data):
    with pytest.raises(DataError, match="does not fit 15m: most steps are 1h"):
        ask(path=market_data / FEATHER, timeframe="15m")


def test_unchecked_files_and_symbols(ask, market_data, workspace):
    path = market_data / "crypto_ohlcv" / "ETHUSDT_perp_30m_20230101_20250630.parquet"
    assert unchecked(path, None, workspace).timeframe == "30m"
    wrong = unchecked(path, "1h", workspace)
    assert checks.inspect(wrong).counts["wrong timeframe"] > 0
    ask(**WINTER)
    assert len(unchecked("BTCUSDT", None, workspace)) == 71 * 24
    for target in ("ETHUSDT", "absent.csv", "folder/absent"):
        with pytest.raises(DataError):
            unchecked(target, None, workspace)


def test_an_order_book_is_pointed_on(workspace, market_data):
    path = market_data / "lob" / "LOBSTER_GOOG_2012-06-21_34200000_50400000_5.zip"
    with pytest.raises(DataError, match=r"5\.zip: it is an order book.*check lob .*5\.zip"):
        unchecked(path, None, workspace)
    import_lobster(workspace, path)
    with pytest.raises(DataError, match=r"GOOG: it is an order book.*atb data check lob GOOG"):
        unchecked("GOOG", None, workspace)


def test_a_name_that_no_file_can_have_is_an_answer(workspace):
    with pytest.raises(DataError, match="cannot be opened"):
        unchecked("A" * 5000, None, workspace)


def test_one_row_has_no_timeframe(tmp_path, workspace):
    (tmp_path / "x.csv").write_text("t,o,h,l,c,v\n2024-01-01,1,2,1,2,5\n")
    with pytest.raises(DataError, match="follow no known timeframe; name"):
        unchecked(tmp_path / "x.csv", None, workspace)
