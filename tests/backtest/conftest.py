"""Candles from a list of opens, random paths, and an independent account kept bar by bar."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from atb.backtest.predictions import Predictions
from atb.config.trading import TradingSpec
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


def asked(value: Any, unit: str, spec: TradingSpec) -> float:
    """The position one prediction at hourly bars asks for."""
    if unit == "log_volatility":
        return min(1.0, spec.volatility_target / (math.exp(value) * math.sqrt(365.25 * 24)))
    if unit == "probabilities":
        distance, threshold = value[2] - value[0], spec.threshold / 100
    elif unit == "probability":
        distance, threshold = value - 0.5, spec.threshold / 100
    else:
        distance, threshold = value, spec.threshold / 10_000
    if distance > threshold:
        return 1.0
    return -1.0 if distance < -threshold and spec.positions == "long_short" else 0.0


def ledger(made: Predictions, bars: Candles, spec: TradingSpec) -> list[float]:
    """Equity at each bar's open and at the end, by cash and units, one event after another."""
    wanted = dict(zip(made.rows.tolist(), made.value.tolist(), strict=True))
    fills = [row + 1 for row in wanted if row + 1 < len(bars)]
    rate = (spec.fee + spec.slippage) / 10_000
    cash, units, position, curve = 1.0, 0.0, 0.0, []
    for bar in range(min(fills), max(fills) + 1):
        price = float(bars.open[bar])
        equity = cash + units * price
        curve.append(equity)
        before, position = position, 0.0
        if bar - 1 in wanted:
            position = asked(wanted[bar - 1], made.unit, spec)
        equity -= rate * abs(position - before) * equity
        # A constant exposure: every bar it is brought back to its share of the equity.
        units = position * equity / price
        cash = equity - units * price
    equity = cash + units * float(bars.close[max(fills)])
    curve.append(equity - rate * abs(position) * equity)
    return curve


@pytest.fixture(scope="session")
def make() -> Callable[..., Candles]:
    return candles


@pytest.fixture(scope="session")
def predict() -> Callable[..., Predictions]:
    return predictions


@pytest.fixture(scope="session")
def keep_ledger() -> Callable[..., list[float]]:
    return ledger
