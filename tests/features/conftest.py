"""Real candles and a real book."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from atb.market.bonds.build import build
from atb.market.bonds.sample import simulate
from atb.market.candles import COLUMNS, Candles
from atb.market.history import History
from atb.market.lob.book import Book

ROWS = 20_000


@pytest.fixture(scope="session")
def bitcoin(market_data: Path) -> Candles:
    """18,000 hours of BTCUSDT."""
    frame = pd.read_feather(
        market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    )
    time = np.arange(len(frame)) * 3_600_000
    return Candles("BTCUSDT", "1h", time, *(frame[name].to_numpy() for name in COLUMNS))


@pytest.fixture(scope="session")
def google(market_data: Path) -> Book:
    """The first 20,000 events of a day of GOOG, ten levels."""
    path = market_data / "lob" / "LOBSTER_GOOG_2012-06-21_34200000_50400000_10.zip"

    def table(part: str) -> npt.NDArray[np.float64]:
        with zipfile.ZipFile(path) as archive:
            (name,) = (name for name in archive.namelist() if part in name)
            with archive.open(name) as lines:
                return pd.read_csv(lines, header=None, nrows=ROWS).to_numpy(np.float64)

    messages, levels = table("message"), table("orderbook")
    levels[:, 0::2] /= 100  # units of 0.0001 USD to ticks of a cent
    executed = np.isin(messages[:, 1], (4, 5))
    return Book(
        symbol="GOOG",
        time_ns=np.round(messages[:, 0] * 1e9).astype(np.int64),
        levels=levels.astype(np.float32),
        traded=np.where(executed, -messages[:, 5] * messages[:, 3], 0).astype(np.float32),
        session=np.zeros(len(levels), np.int32),
        tick=0.01,
    )


@pytest.fixture(scope="session")
def histories(bitcoin: Candles, google: Book) -> dict[str, History]:
    """One of each market."""
    bonds = build(simulate(400, seed=1), "UST10Y")
    return {"candles": bitcoin, "book": google, "bonds": bonds}
