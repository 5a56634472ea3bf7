"""Candles from a list of opens, and two real years."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.backtest.predictions import Predictions
from atb.market.candles import Candles

HOUR = 3_600_000
START = 1_704_067_200_000


def candles(opens: Any, last_close: float, missing: Any = ()) -> Candles:
    """Hourly bars with these opens; each closes at the next open, the last at `last_close`.

    `missing` holds positions after which one bar is absent.
    """
    opens = np.asarray(opens, float)
    closes = np.append(opens[1:], last_close)
    steps = np.ones(len(opens), np.int64)
    steps[np.asarray(missing, int) + 1] += 1
    columns = {
        "time": START + (np.cumsum(steps) - 1) * HOUR,
        "open": opens,
        "high": np.maximum(opens, closes),
        "low": np.minimum(opens, closes),
        "close": closes,
        "volume": np.ones(len(opens)),
    }
    return Candles.from_columns("BTCUSDT", "1h", columns)


def predictions(rows: Any, value: Any, unit: Any = "return") -> Predictions:
    return Predictions(np.asarray(rows, np.int64), np.asarray(value, float), unit)


@pytest.fixture(scope="session")
def make() -> Callable[..., Candles]:
    return candles


@pytest.fixture(scope="session")
def predict() -> Callable[..., Predictions]:
    return predictions


@pytest.fixture(scope="session")
def hours(market_data: Path) -> Candles:
    """Two real years of bitcoin, by the hour."""
    import pandas as pd

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    table = pd.read_feather(file)
    time = table["timestamp"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    columns = {"time": time} | {c: table[c] for c in ("open", "high", "low", "close", "volume")}
    return Candles.from_columns("BTCUSDT", "1h", columns)
