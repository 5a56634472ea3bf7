"""Candles from a list of closes, hourly unless told otherwise, random ones, and books of mids."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.market.candles import Candles
from atb.market.files import read as read_file
from atb.market.lob.book import Book

HOUR = 3_600_000


def candles(close: Any, hours: Any = None, high: Any = None, low: Any = None) -> Candles:
    c = np.asarray(close, float)
    time = np.asarray(hours if hours is not None else range(len(c)), np.int64) * HOUR
    high, low = (c if side is None else np.asarray(side, float) for side in (high, low))
    return Candles("BTCUSDT", "1h", time, c, high, low, c, np.ones(len(c)))


def random_candles(seed: int, bars: int = 60) -> Candles:
    """A random walk with wicks, flat stretches and gaps of up to two bars."""
    random = np.random.default_rng(seed)
    moves = random.normal(0, 0.01, bars) * (random.random(bars) < 0.8)
    close = 100 * np.exp(np.cumsum(moves))
    wicks = np.exp(np.abs(random.normal(0, 0.005, (2, bars))) * (random.random(bars) < 0.7))
    hours = np.cumsum(random.choice([1, 2, 3], bars, p=[0.9, 0.06, 0.04]))
    return candles(close, hours, close * wicks[0], close / wicks[1])


def book(mid: Any, session: Any = None, tick: float = 1.0) -> Book:
    """One level, a tick to either side of each mid, which is in ticks; by default one session."""
    price = np.asarray(mid, float)
    size = np.ones(len(price))
    levels = np.stack([price + 1, size, price - 1, size], axis=1)
    session = np.zeros(len(price)) if session is None else session
    return Book("X", np.arange(len(price)), levels, size, session, tick)


@pytest.fixture(scope="session")
def make_book() -> Callable[..., Book]:
    return book


@pytest.fixture(scope="session")
def make() -> Callable[..., Candles]:
    return candles


@pytest.fixture(scope="session")
def walk() -> Callable[..., Candles]:
    return random_candles


@pytest.fixture(scope="session")
def candles_of(market_data: Path) -> Callable[[str], Candles]:
    """Real candles by the name of their file."""

    def read(name: str) -> Candles:
        (file,) = (market_data / "crypto_ohlcv").glob(f"{name}.*")
        return read_file(file, "BTCUSD", "1h" if "_1h_" in name else "1m")

    return read
