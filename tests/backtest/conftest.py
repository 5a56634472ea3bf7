"""Candles from a list of opens, random paths, and two real years."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.backtest.predictions import Predictions
from atb.config.trading import CostSpec, ExitSpec, SizingSpec, TradingSpec
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


def path(seed: int, bars: int = 60, move: float = 0.03) -> tuple[Candles, Predictions]:
    """A random market with gaps and random predictions of a return, some rows left out."""
    random = np.random.default_rng(seed)
    price = 100 * np.exp(np.cumsum(random.normal(0, move, bars + 1)))
    opens, closes = price[:-1], price[1:] * np.exp(random.normal(0, 0.01, bars))
    wicks = np.exp(np.abs(random.normal(0, 0.02, (2, bars))))
    columns = {
        "time": START + np.cumsum(random.integers(1, 3, bars)) * HOUR,
        "open": opens,
        "high": np.maximum(opens, closes) * wicks[0],
        "low": np.minimum(opens, closes) / wicks[1],
        "close": closes,
        "volume": np.ones(bars),
    }
    rows = np.flatnonzero(random.random(bars) < random.uniform(0.2, 1))
    rows = np.union1d(rows, [int(random.integers(0, bars - 1))])
    value = random.normal(0, 0.01, len(rows)) * (random.random(len(rows)) < 0.9)
    return Candles.from_columns("BTCUSDT", "1h", columns), predictions(rows, value)


def rules(random: np.random.Generator) -> TradingSpec:
    """Any rules there are; each cost and each exit is left out in a third of them."""

    def maybe(most: float) -> float:
        return float(random.uniform(0, most)) * bool(random.random() < 2 / 3)

    return TradingSpec(
        positions=("long_flat", "long_short")[random.integers(2)],
        threshold=maybe(20),
        volatility_bars=int(random.integers(2, 30)),
        costs=CostSpec(
            buy_fee=maybe(50),
            sell_fee=maybe(50),
            spread=maybe(20),
            slippage=maybe(20),
            slippage_per_volatility=maybe(0.5),
            funding=maybe(30),
        ),
        sizing=SizingSpec(
            rule=("fixed", "volatility_target", "kelly")[random.integers(3)],
            size=random.uniform(0.1, 4),
            volatility_target=random.uniform(0.1, 5),
            kelly_fraction=random.uniform(0.1, 1),
            limit=random.choice([0.5, 1.0, 4.0]),
            horizon=int(random.integers(1, 10)),
        ),
        exits=ExitSpec(stop=maybe(0.1) or None, take_profit=maybe(0.1) or None),
    )


@pytest.fixture(scope="session")
def make() -> Callable[..., Candles]:
    return candles


@pytest.fixture(scope="session")
def predict() -> Callable[..., Predictions]:
    return predictions


@pytest.fixture(scope="session")
def random_path() -> Callable[..., tuple[Candles, Predictions]]:
    return path


@pytest.fixture(scope="session")
def random_rules() -> Callable[[np.random.Generator], TradingSpec]:
    return rules


@pytest.fixture(scope="session")
def hours(market_data: Path) -> Candles:
    """Two real years of bitcoin, by the hour."""
    import pandas as pd

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    table = pd.read_feather(file)
    time = table["timestamp"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    columns = {"time": time} | {c: table[c] for c in ("open", "high", "low", "close", "volume")}
    return Candles.from_columns("BTCUSDT", "1h", columns)
