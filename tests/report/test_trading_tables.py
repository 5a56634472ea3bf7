"""The tables of backtests, read back as their users read them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from atb.backtest.predictions import Predictions
from atb.backtest.touch import run as trade_book
from atb.config.targets import TernaryTarget
from atb.config.trading import TouchTrading
from atb.market.lob.book import Book
from atb.report import trading_tables


@pytest.fixture
def written(run, tmp_path):
    trading_tables.export(tmp_path / "out", run.backtest, run.predictions, run.history)
    return tmp_path / "out"


def test_every_table_is_written_and_those_for_other_tools_as_csv_too(run, tmp_path):
    files = trading_tables.export(tmp_path, run.backtest, run.predictions, run.history)
    names = {"equity.parquet", "trades.parquet"}
    names |= {
        f"{name}.{suffix}" for name in ("returns", "signals") for suffix in ("csv", "parquet")
    }
    assert files.keys() == names == {path.name for path in tmp_path.iterdir()}


def test_the_equity_is_that_of_the_backtest(run, written):
    table, done = pd.read_parquet(written / "equity.parquet"), run.backtest
    assert table.columns.tolist() == ["time", "equity", "buy_and_hold", "position", "return"]
    assert str(table["time"].dtype.tz) == "UTC"
    assert table["equity"].tolist() == done.equity.tolist()
    assert (1 + table["return"]).cumprod().iloc[-1] == pytest.approx(done.equity[-1])
    assert table["position"].iloc[-1] == 0


def test_trades_add_up_to_what_was_made(run, written):
    table, done = pd.read_parquet(written / "trades.parquet"), run.backtest
    assert len(table) == done.performance.trades > 10
    assert table["profit"].sum() == pytest.approx(done.performance.total_return)
    assert (table["profit"] > 0).mean() == pytest.approx(done.performance.win_rate)
    assert (table["closed"] > table["opened"]).all()
    assert table["bars"].sum() == np.count_nonzero(done.position)
    assert set(table["side"]) == {"long"} and table["reason"].isin(["signal", "end"]).all()
    moved = (table["exit_price"] / table["entry_price"] - 1) - table["return"]
    assert (moved > 0).all()  # what each trade cost


def test_daily_returns_are_read_as_quantstats_reads_them(run, written):
    table = pd.read_csv(written / "returns.csv", index_col="date", parse_dates=True)
    assert isinstance(table.index, pd.DatetimeIndex) and table.index.tz is None
    first = pd.Timestamp(run.backtest.time[0], unit="ms").normalize()
    assert table.index[0] == first and table.index.is_unique
    assert (1 + table["return"]).prod() == pytest.approx(run.backtest.equity[-1])
    assert (1 + table["buy_and_hold"]).prod() == pytest.approx(run.backtest.held[-1])
    same = pd.read_parquet(written / "returns.parquet").set_index("date")
    assert isinstance(same.index, pd.DatetimeIndex) and same.index.tz is None
    assert same.to_numpy() == pytest.approx(table.to_numpy())
    bars = pd.Series(run.backtest.steps, index=pd.to_datetime(run.backtest.time[:-1], unit="ms"))
    expected = (1 + bars).resample("D").prod() - 1
    assert table["return"].tolist() == pytest.approx(expected.tolist(), abs=1e-12)


def test_a_signal_is_known_at_the_close_and_traded_at_the_next_open(run, written):
    table, done = pd.read_csv(written / "signals.csv"), run.backtest
    assert table.columns.tolist() == ["time", "price", "prediction", "side", "position"]
    assert table["time"].str.endswith("Z").all()
    known = pd.to_datetime(table["time"]).dt.tz_localize(None).to_numpy("datetime64[ms]")
    assert known.astype(np.int64).tolist() == run.history.close_time[run.predictions.rows].tolist()
    assert table["position"].tolist()[: len(done.position)] == done.position.tolist()
    assert len(table) == len(run.predictions)
    same = pd.read_parquet(written / "signals.parquet")
    assert same["prediction"].tolist() == run.predictions.value.tolist()
    assert str(same["time"].dtype.tz) == "UTC"


def test_signals_of_classes_have_a_column_for_each(make_run):
    made = make_run(TernaryTarget())
    table = trading_tables.signals(made.backtest, made.predictions, made.history)
    assert list(table) == ["time", "price", "down", "flat", "up", "side", "position"]


def test_a_book_has_ticks_and_no_daily_returns(tmp_path):
    levels = np.array([[102, 1, 100, 1], [105, 1, 103, 1], [107, 1, 105, 1]], float)
    time = 10**6 * np.array([5, 1005, 2005])
    book = Book("X", time, levels, np.ones(3), np.zeros(3), 0.01)
    made = Predictions(np.array([0]), np.array([1.0]), "move")
    done = trade_book(made, book, TouchTrading(hold=1, latency=0, fee=0))
    files = trading_tables.export(tmp_path, done, made, book)
    assert not {"returns.csv", "returns.parquet"} & files.keys()
    (signal,) = pd.read_csv(tmp_path / "signals.csv").to_dict("records")
    assert signal["time"] == "1970-01-01T00:00:00.005Z"
    (trade,) = pd.read_parquet(tmp_path / "trades.parquet").to_dict("records")
    assert (trade["side"], trade["net_ticks"], trade["events"]) == ("long", 1.0, 1)
    assert (trade["closed"] - trade["opened"]).total_seconds() == 1
    equity = pd.read_parquet(tmp_path / "equity.parquet")
    assert equity["profit_ticks"].tolist() == [-1.0, 1.0]
    assert equity["last_move_ticks"].tolist() == [0.0, 0.0]
