"""Small candles written by hand, real ones, and an exchange on loopback."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from atb.clock import parse_time
from atb.market import files, sample
from atb.market.candles import Candles
from atb.workspace import Workspace

HOUR = 3_600_000
START = parse_time("2024-01-01")


def beside(name):
    """A helper module of this folder."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]


def candles(rows=8, start=START, symbol="BTCUSDT", timeframe="1h", **changed):
    """Valid hourly bars whose values are easy to recognise: open 100 + row, volume 10 + row."""
    row = np.arange(rows, dtype=float)
    columns = {
        "time": start + HOUR * np.arange(rows),
        "open": 100 + row,
        "high": 102 + row,
        "low": 99 + row,
        "close": 101 + row,
        "volume": 10 + row,
    }
    return Candles.from_columns(symbol, timeframe, {**columns, **changed})


@pytest.fixture(scope="session")
def bars():
    """Makes small candles by hand: `bars(rows, start, **columns)`."""
    return candles


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "artifacts")


@pytest.fixture(scope="session")
def real(market_data):
    """18,000 hours of BTCUSDT with one true gap."""
    path = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    return files.read(path, "BTCUSDT", "1h")


@pytest.fixture
def exchange():
    """An exchange that has BTCUSDT 1h from 2024-10-01 to 2025-02-15."""
    helper = beside("exchange")
    span = parse_time("2024-10-01"), parse_time("2025-02-15")
    with helper.serving(helper.Exchange(sample.simulate("BTCUSDT", "1h", *span, 7))) as server:
        yield server


@pytest.fixture
def each_column_spoilt():
    """`each_column_spoilt(path)`: a Parquet file with a bit of each column flipped in turn."""
    import pyarrow.parquet as pq

    def each(path):
        group, content = pq.ParquetFile(path).metadata.row_group(0), path.read_bytes()
        for chunk in map(group.column, range(group.num_columns)):
            spoilt = bytearray(content)
            first = chunk.dictionary_page_offset or chunk.data_page_offset
            spoilt[first + chunk.total_compressed_size - 1] ^= 1
            path.write_bytes(spoilt)
            yield

    return each
