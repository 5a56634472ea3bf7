"""Real candles as matrices, and hostile but valid ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from atb.market.candles import COLUMNS, Candles


@pytest.fixture(scope="session")
def bitcoin(market_data: Path) -> Candles:
    """18,000 hours of BTCUSDT."""
    frame = pd.read_feather(
        market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    )
    time = np.arange(len(frame)) * 3_600_000
    return Candles("BTCUSDT", "1h", time, *(frame[name].to_numpy() for name in COLUMNS))
