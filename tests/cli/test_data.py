"""Candles are checked, fetched and listed through the shell."""

from __future__ import annotations

import zipfile

import pandas as pd
import pytest

from atb.market import files, store
from atb.workspace import Workspace


@pytest.fixture
def btc(market_data):
    return market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"


def test_good_candles(atb, btc):
    done = atb("data", "check", btc, "--json")
    assert done.code == 0, done.err
    assert (done.json["rows"], done.json["timeframe"]) == (18000, "1h")
    assert done.json["first"] == "2023-01-01T00:00:00Z"
    assert done.json["fatal"] == []
    assert {name: n for name, n in done.json["counts"].items() if n} == {
        "zero volume": 1,
        "gaps": 1,
    }


def test_good_candles_for_people(atb, btc):
    done = atb("data", "check", btc)
    assert (done.code, done.err) == (0, "")
    assert "2023-03-24T14:00:00Z" in done.out  # the first bar after the outage


def test_the_timeframe_is_sniffed(atb, market_data):
    path = market_data / "crypto_ohlcv" / "ETHUSDT_perp_30m_20230101_20250630.parquet"
    assert atb("data", "check", path, "--json").json["timeframe"] == "30m"
    done = atb("data", "check", path, "--timeframe", "1h", "--json")
    assert done.code == 3
    assert done.json["fatal"] == ["wrong timeframe"]


def test_bad_candles_are_counted_and_refused(atb, btc, tmp_path):
    rows = pd.read_feather(btc).iloc[:500].copy()
    rows.loc[100, "close"] = float("nan")
    rows.loc[200, "high"] = rows.loc[200, "low"] / 2
    rows.to_csv(tmp_path / "bad.csv", index=False)
    done = atb("data", "check", "bad.csv", "--json")
    assert done.code == 3
    assert set(done.json["fatal"]) == {"non-finite", "high below low"}
    assert done.said.startswith("error: bad.csv, row 100")


def test_a_file_that_is_not_there(atb):
    done = atb("data", "check", "absent.csv")
    assert (done.code, done.out) == (3, "")
    assert done.said.startswith("error: absent.csv: ")


def test_a_good_book(atb, market_data):
    path = market_data / "lob" / "LOBSTER_GOOG_2012-06-21_34200000_50400000_5.zip"
    done = atb("data", "check", "lob", path, "--json")
    assert done.code == 0, done.err
    assert (done.json["symbol"], done.json["levels"], done.json["tick"]) == ("GOOG", 5, 0.01)
    assert (done.json["rows"], done.json["sessions"]) == (76256, 1)
    assert (done.json["first"], done.json["last"]) == (
        "2012-06-21T13:30:00Z",
        "2012-06-21T17:59:58Z",
    )
    assert (done.json["fatal"], done.json["synthetic"]) == ([], False)
    assert {name for name, n in done.json["counts"].items() if n} == {"duplicates"}


def test_a_bad_book_is_counted_and_refused(atb, market_data, tmp_path):
    path = market_data / "lob" / "BTCUSD_bitstamp_book20_20150501_0000-0330.parquet"
    rows = pd.read_parquet(path).iloc[:500].copy()
    rows.loc[100, "ask_size_3"] = -1.0
    rows.loc[200, "bid_price_1"] = rows.loc[200, "ask_price_1"] + 1
    rows.to_parquet(tmp_path / "bad.parquet")
    done = atb("data", "check", "lob", "bad.parquet")
    assert done.code == 3
    assert done.said.startswith("error: bad.parquet, row 100, counted from 0 (2015-05-01T00:")
    shown = [line.split() for line in done.out.splitlines()]
    assert [line[2:4] for line in shown if line[:2] == ["crossed", "1"]] == [["refused", "row"]]
    assert ["few", "rows", "500", "noted"] in [line[:4] for line in shown]


def test_a_damage_early_in_a_long_book_is_one_line(atb, market_data, tmp_path):
    """Nothing still reads the rest of the zip while the process ends: it died of that often."""
    path = market_data / "lob" / "LOBSTER_GOOG_2012-06-21_34200000_50400000_10.zip"
    with zipfile.ZipFile(path) as good, zipfile.ZipFile(tmp_path / "x.zip", "w", 8) as bad:
        for name in good.namelist():
            text = good.read(name)
            if "orderbook" in name:
                lines = text.split(b"\n")
                lines[2000] = b"abc" + lines[2000][lines[2000].index(b",") :]
                text = b"\n".join(lines)
            bad.writestr(name, text)
    for _ in range(2):
        done = atb("data", "check", "lob", "x.zip")
        assert (done.code, done.out) == (3, ""), done.err
        assert "line 2001: ask_price_1 is 'abc', which is no whole number" in done.said


@pytest.mark.parametrize("kind", ["candles", "lob"])
def test_an_endless_name_is_one_line(atb, kind):
    done = atb("data", "check", kind, "a" * 5000)
    assert (done.code, done.out, done.err.count("\n")) == (3, "", 1)
    assert done.said.endswith("check the path")


def test_the_word_candles_may_be_left_out(atb, btc):
    named = atb("data", "check", "candles", btc, "--json")
    assert (named.code, named.json) == (0, atb("data", "check", "--json", btc).json)


def test_an_empty_store(atb):
    done = atb("data", "list")
    assert (done.code, done.out) == (0, "")
    assert "atb data fetch" in done.err
    assert atb("data", "list", "--json").json == {"candles": [], "books": []}


def test_a_fetch_without_network_leaves_nothing(atb, tmp_path):
    nowhere = "http://127.0.0.1:9"
    words = ("BTCUSDT", "--start", "2024-01-01", "--end", "2024-01-03", "--json")
    done = atb("data", "fetch", *words, HTTPS_PROXY=nowhere, HTTP_PROXY=nowhere, NO_PROXY="")
    assert (done.code, done.out) == (3, "")
    assert done.said.startswith("error: ")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_impossible_range(atb):
    done = atb("data", "fetch", "BTCUSDT", "--start", "2024-02-01", "--end", "2024-01-01")
    assert (done.code, done.out) == (2, "")
    assert "2024-02-01 to 2024-01-01" in done.said


def test_stored_candles_are_listed_and_checked(atb, btc, tmp_path):
    candles = files.read(btc, "BTCUSDT", "1h")
    store.merge(Workspace(tmp_path / "artifacts"), candles.rows(0, 100))
    (listed,) = atb("data", "list", "--json").json["candles"]
    assert (listed["symbol"], listed["timeframe"], listed["rows"]) == ("BTCUSDT", "1h", 100)
    assert (listed["first"], listed["last"]) == ("2023-01-01T00:00:00Z", "2023-01-05T03:00:00Z")
    assert "BTCUSDT" in atb("data", "list").out
    assert atb("data", "check", "BTCUSDT", "--json").json["rows"] == 100
