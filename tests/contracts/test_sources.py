"""Every candle source keeps the same promises; a new one is tested by standing in the table."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from atb.clock import parse_time
from atb.config.data import CandleData
from atb.errors import DataError
from atb.market import checks, files
from atb.market.candles import COLUMNS
from atb.market.load import SOURCES, load
from atb.workspace import Workspace

START, END = "2024-03-01", "2024-03-20"
FEATHER = Path("crypto_ohlcv", "BTCUSDT_1h_2023-01-01_2024-12-31.feather")


def exchange_module():
    """The loopback exchange of the market room's tests."""
    name = "exchange"
    if name not in sys.modules:
        place = Path(__file__).parents[1] / "market" / "exchange.py"
        spec = importlib.util.spec_from_file_location(name, place)
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="module")
def exchange(market_data):
    """An exchange that serves real candles."""
    helper = exchange_module()
    with helper.serving(helper.Exchange(files.read(market_data / FEATHER, "BTCUSDT", "1h"))) as it:
        yield it


@pytest.fixture(params=SOURCES)
def ask(request, tmp_path, market_data, exchange):
    """Load a range from the source."""
    path = market_data / FEATHER if request.param == "file" else None

    def run(start=START, end=END):
        spec = CandleData(source=request.param, path=path, start=start, end=end)
        return load("BTCUSDT", spec, Workspace(tmp_path), endpoints=exchange.endpoints)

    return run


def test_the_words_and_the_table_agree():
    assert set(get_args(CandleData.model_fields["source"].annotation)) == set(SOURCES)


def test_candles_are_checked_typed_and_marked(ask):
    found = ask()
    assert (found.symbol, found.timeframe) == ("BTCUSDT", "1h")
    assert checks.inspect(found).fatal == ()
    assert found.time.dtype == np.int64
    assert {getattr(found, name).dtype for name in COLUMNS} == {np.dtype(np.float64)}
    assert found.source not in ("", "memory")
    assert found.synthetic == (found.source == "sample")


def test_the_range_takes_the_start_and_leaves_the_end(ask):
    found = ask()
    hours = np.arange(parse_time(START), parse_time(END), 3_600_000)
    assert found.time.tolist() == hours.tolist()


def test_the_same_request_gives_the_same_candles(ask):
    assert ask().sha256() == ask().sha256()


def test_a_range_without_bars_is_an_answer(ask):
    with pytest.raises(DataError) as caught:
        ask("2024-03-01T00:10", "2024-03-01T00:20")
    assert "--start" in str(caught.value)
    assert caught.value.exit_code == 3


def test_real_sources_agree_to_the_last_digit(ask, market_data):
    found = ask()
    real = files.read(market_data / FEATHER, "BTCUSDT", "1h").between(
        parse_time(START), parse_time(END)
    )
    assert found.synthetic or found.sha256() == real.sha256()
