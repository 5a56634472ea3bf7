"""Level snapshots are read whatever the order of their columns and the form of their times."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv

from atb.errors import DataError
from atb.market.lob import checks, snapshots

NS = 1_430_438_405_885_000_000
LEVELS = {
    "ask_price_1": [100.25, 100.5, 100.5],
    "ask_size_1": [1.0, 2.0, 3.0],
    "bid_price_1": [100.0, 100.0, 100.25],
    "bid_size_1": [4.0, 5.0, 6.0],
    "ask_price_2": [100.5, 101.0, None],
    "ask_size_2": [7.0, 8.0, None],
    "bid_price_2": [99.75, 0.0, 99.5],
    "bid_size_2": [9.0, 0.0, 9.5],
}
TIMES = [NS, NS, NS + 1_000_001]
NAN = float("nan")
EXPECTED = [
    [401, 1, 400, 4, 402, 7, 399, 9],
    [402, 2, 400, 5, 404, 8, NAN, 0],
    [402, 3, 401, 6, NAN, 0, 398, 9.5],
]


def columns(**changed):
    """A table of three rows with columns changed, or left out where None."""
    made = {"timestamp": pa.array(TIMES, pa.timestamp("ns", "UTC")), **LEVELS, **changed}
    return {name: column for name, column in made.items() if column is not None}


def written(path, table):
    (pq.write_table if path.suffix == ".parquet" else csv.write_csv)(pa.table(table), path)
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_columns_in_any_order(tmp_path, ending):
    table = dict(reversed(columns(extra=["a", "b", "c"]).items()))
    book = snapshots.read(written(tmp_path / f"btcusd_x.{ending}", table))
    assert (book.symbol, book.tick, book.source, book.synthetic) == (
        "BTCUSD",
        0.25,
        "snapshots",
        False,
    )
    np.testing.assert_array_equal(book.levels, np.array(EXPECTED, np.float32))
    assert book.time_ns.tolist() == TIMES
    assert not book.traded.any()
    assert not book.session.any()
    checks.require(checks.inspect(book), "here")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_trades_and_sessions_are_kept(tmp_path, ending):
    table = columns(traded=[0.0, -2.5, 3.0], session=[0, 0, 1])
    book = snapshots.read(written(tmp_path / f"x.{ending}", table), "ETHUSD")
    assert book.symbol == "ETHUSD"
    assert book.traded.tolist() == [0.0, -2.5, 3.0]
    assert book.session.tolist() == [0, 0, 1]


@pytest.mark.parametrize("name", ["timestamp", "time", "time_ns", " Time "])
@pytest.mark.parametrize(("unit", "kept"), [("s", 10**9), ("ms", 10**6), ("us", 1000), ("ns", 1)])
def test_the_unit_of_times_is_told_by_their_size(tmp_path, name, unit, kept):
    table = {name: [time // kept for time in TIMES], **columns(timestamp=None)}
    book = snapshots.read(written(tmp_path / "x.csv", table))
    assert book.time_ns.tolist() == [time // kept * kept for time in TIMES]


def test_float32_prices(tmp_path):
    table = columns(
        **{name: pa.array(LEVELS[name], pa.float32()) for name in LEVELS if "price" in name}
    )
    table["ask_price_1"] = pa.array([60000.12, 60000.13, 60000.14], pa.float32())
    book = snapshots.read(written(tmp_path / "x.parquet", table))
    assert book.tick == 0.01
    assert book.side("ask_price")[:, 0].tolist() == [6000012, 6000013, 6000014]


def test_faults_of_the_book_are_left_for_the_checks(tmp_path):
    table = columns(
        timestamp=[time // 10**6 for time in (TIMES[2], *TIMES[:2])],
        ask_price_1=[None, 100.5, 100.5],
        bid_size_1=[4.0, NAN, -1.0],
    )
    report = checks.inspect(snapshots.read(written(tmp_path / "x.csv", table)))
    assert {finding.check.name for finding in report.fatal} == {
        *("time backwards", "bad price", "bad size", "negative size", "no best price"),
    }


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"timestamp": None}, "no single column of times among 'ask_price_1'"),
        ({"time": TIMES}, "no single column of times"),
        ({"ask_size_2": None}, "there is no column ask_size_2, but bid_price_2|ask_price_2"),
        ({"ask_price_4": [102.0] * 3}, "there is no column ask_price_3, but ask_price_4"),
        (dict.fromkeys(LEVELS), "there is no column ask_price_1"),
        ({"bid_price_1": ["100.0", "x", "1"]}, "row 1, counted from 0: bid_price_1 is 'x'"),
        ({"ask_size_1": ["1,5", "2", "3"]}, "write decimals with a point"),
        ({"ask_price_1": [0.12345678901234, 1, 1]}, "no multiples of one step"),
        ({"session": [0, 1, 0.5]}, "row 2, counted from 0: session is 0.5"),
        ({"timestamp": ["2024-01-01", "yesterday", "2024-01-02"]}, "row 1.*'yesterday' is no time"),
    ],
)
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_what_is_wrong_is_said_with_its_place(tmp_path, changed, said, ending):
    path = written(tmp_path / f"x.{ending}", columns(**changed))
    with pytest.raises(DataError, match=said) as caught:
        snapshots.read(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_a_column_that_stands_twice_and_a_file_without_rows(tmp_path):
    header = ",".join(columns())
    path = tmp_path / "x.csv"
    path.write_text(f"{header},ask_price_1\n")
    with pytest.raises(DataError, match="more than one column ask_price_1"):
        snapshots.read(path)
    path.write_text(f"{header}\n")
    with pytest.raises(DataError, match="no rows"):
        snapshots.read(path)


def test_the_real_book(market_data):
    path = market_data / "lob" / "BTCUSD_bitstamp_book20_20150501_0000-0330.parquet"
    book = snapshots.read(path)
    assert (book.symbol, len(book), book.depth, book.tick) == ("BTCUSD", 3730, 20, 0.01)
    assert book.levels[0, :4].tolist() == pytest.approx([23664, 3.7952, 23647, 1.78855669])
    assert book.time_ns[0] == NS
    report = checks.inspect(book)
    assert not any(report.counts.values())
