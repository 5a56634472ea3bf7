"""Against TA-Lib on real candles, where the definitions agree.

TA-Lib starts its recursive averages from the first bars and works in float64; ours are filters in
float32 cut at a millionth of their weight. Rows compared begin where TA-Lib's start has faded.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import talib

from atb.config.features import SETS
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

FADED = 600


@pytest.fixture(scope="module")
def ours(bitcoin: Candles) -> dict[str, Float64]:
    from atb.features.layer import compute

    matrix = compute("full", bitcoin).astype(np.float64)
    return dict(zip(SETS["full"], matrix.T, strict=True))


def band(c: Candles) -> tuple[Float64, Float64, Float64]:
    return talib.BBANDS(c.close, 20, 2, 2)


def bollinger_position(c: Candles) -> Float64:
    upper, _, lower = band(c)
    return (c.close - lower) / (upper - lower)


def bollinger_width(c: Candles) -> Float64:
    upper, middle, lower = band(c)
    return (upper - lower) / middle


def directional_movement(c: Candles) -> Float64:
    prices = c.high, c.low, c.close
    return (talib.PLUS_DI(*prices, 14) - talib.MINUS_DI(*prices, 14)) / 100


def volume_ratio(c: Candles) -> Float64:
    mean = talib.SMA(c.volume, 20)
    return (c.volume - mean) / (c.volume + mean)


def chaikin_money_flow(c: Candles) -> Float64:
    # The accumulation line sums the same money flow without end; its change over 20 bars is ours.
    line = talib.AD(c.high, c.low, c.close, c.volume)
    change = line - np.concatenate([np.full(20, np.nan), line[:-20]])
    return change / (20 * talib.SMA(c.volume, 20))


def efficiency(c: Candles) -> Float64:
    way = 20 * talib.SMA(np.abs(np.diff(c.close, prepend=c.close[0])), 20)
    return talib.MOM(c.close, 20) / way


def stochastic(c: Candles, line: int) -> Float64:
    return talib.STOCHF(c.high, c.low, c.close, 14, 3)[line] / 100


ORACLES: dict[str, Callable[[Candles], Float64]] = {
    **{
        f"log_return_{n}": lambda c, n=n: np.log1p(talib.ROCP(c.close, n))
        for n in (1, 3, 6, 12, 24)
    },
    **{
        f"sma_distance_{n}": lambda c, n=n: 1 - talib.SMA(c.close, n) / c.close
        for n in (7, 14, 30, 60)
    },
    **{f"rsi_{n}": lambda c, n=n: talib.RSI(c.close, n) / 100 for n in (7, 14)},
    "macd_12_26": lambda c: talib.MACD(c.close)[0] / c.close,
    "macd_signal_12_26_9": lambda c: talib.MACD(c.close)[1] / c.close,
    "slope_20": lambda c: talib.LINEARREG_SLOPE(c.close, 20) / c.close,
    "efficiency_20": efficiency,
    "directional_movement_14": directional_movement,
    "stochastic_k_14": lambda c: stochastic(c, 0),
    "stochastic_d_14_3": lambda c: stochastic(c, 1),
    "cci_20": lambda c: talib.CCI(c.high, c.low, c.close, 20) / 100,
    "atr_14": lambda c: talib.NATR(c.high, c.low, c.close, 14) / 100,
    "bollinger_position_20": bollinger_position,
    "bollinger_width_20": bollinger_width,
    "channel_width_20": lambda c: np.log(talib.MAX(c.high, 20) / talib.MIN(c.low, 20)),
    "volume_ratio_20": volume_ratio,
    "money_flow_index_14": lambda c: talib.MFI(c.high, c.low, c.close, c.volume, 14) / 100,
    "chaikin_money_flow_20": chaikin_money_flow,
}

# In units of the feature's standard deviation. Prices enter as float32, good to 6e-8 of themselves,
# which is 2e-5 of a typical hourly return.
TOLERANCE = 2e-4
COARSE = {
    "chaikin_money_flow_20": 5e-4,  # where a bar closed in a narrow range magnifies that rounding
}


@pytest.mark.parametrize("name", ORACLES)
def test_agrees_with_talib(name: str, bitcoin: Candles, ours: dict[str, Float64]) -> None:
    expected = ORACLES[name](bitcoin)[FADED:]
    difference = np.abs(ours[name][FADED:] - expected)
    assert difference.max() <= COARSE.get(name, TOLERANCE) * expected.std()
