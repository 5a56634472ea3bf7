"""A seeded simulator of candles, for when there is no market at hand; always marked synthetic.

It knows nothing of files or exchanges. Volatility clusters, jumps, follows the hour and the week,
and volume follows volatility; but returns are a martingale difference: their sign and mean cannot
be predicted, so nothing learned here says anything about a market.
"""

from __future__ import annotations

import itertools

import numpy as np

from atb.clock import DAY_MS, HOUR_MS, YEAR_MS, parse_time, timeframe_ms
from atb.market.candles import Candles, Float64, Int64

DEFAULT_START_MS = parse_time("2023-01-01")
DEFAULT_END_MS = parse_time("2025-01-01")

_START_PRICE = 16_500.0  # USDT
_TICK, _LOT = 1e-2, 1e-5  # smallest price and volume
_ANNUAL_VOLATILITY = 0.45
_LOG_VOLATILITY_SPREAD = 0.45  # standard deviation of the logarithm of volatility
_CLUSTER_DAYS = 3.0  # half-life of a burst of volatility
_JUMPS_PER_DAY = 0.15
_JUMP_SIZE = 0.012  # standard deviation of a jump's log return
_HOURLY_VOLUME = 1_500.0  # base currency, median
_STEPS = 16  # points of the path inside one bar
_CHUNK = 65_536


def simulate(symbol: str, timeframe: str, start_ms: int, end_ms: int, seed: int) -> Candles:
    """Candles from `start_ms` (inclusive, rounded up to a full bar) to `end_ms` (exclusive).

    The logarithm of volatility is a first-order autoregression (Taylor 1986, Modelling Financial
    Time Series) plus the season; jumps are compound Poisson (Merton 1976, Journal of Financial
    Economics 3). The path inside each bar is a random walk of 16 steps, from which its high and
    low come. The same arguments give the same candles.
    """
    step = timeframe_ms(timeframe)
    time = np.arange(-(-start_ms // step) * step, end_ms, step, dtype=np.int64)
    random = np.random.default_rng(seed)
    volatility = _volatility(time, step, random)
    low, high, move = _paths(volatility, step, random)
    close = _START_PRICE * np.exp(np.cumsum(move))
    open_ = np.concatenate([[_START_PRICE], close[:-1]])[: len(time)]
    prices = {
        "open": open_,
        "high": open_ * np.exp(high),
        "low": open_ * np.exp(low),
        "close": close,
    }
    return Candles.from_columns(
        symbol,
        timeframe,
        {
            "time": time,
            **{name: _rounded(price, _TICK) for name, price in prices.items()},
            "volume": _volume(volatility, move, step, random),
        },
        source="sample",
        synthetic=True,
    )


def _volatility(time: Int64, step: int, random: np.random.Generator) -> Float64:
    """`[N]` standard deviation of each bar's diffusive log return."""
    persistence = 0.5 ** (step / (_CLUSTER_DAYS * DAY_MS))
    shocks = random.normal(0, _LOG_VOLATILITY_SPREAD, len(time))
    shocks[1:] *= np.sqrt(1 - persistence**2)
    chain = itertools.accumulate(shocks.tolist(), lambda level, shock: persistence * level + shock)
    level = np.fromiter(chain, np.float64, len(time))
    typical = _ANNUAL_VOLATILITY * np.sqrt(step / YEAR_MS)
    return np.asarray(typical * np.exp(level - _LOG_VOLATILITY_SPREAD**2) * _season(time, step))


def _season(time: Int64, step: int) -> Float64:
    """`[N]` factor of the hour, highest at 15:00 UTC, and of the weekend; mean square near 1."""
    if step >= DAY_MS:
        return np.ones(len(time))
    hour = (time % DAY_MS) / HOUR_MS
    weekday = (time // DAY_MS + 3) % 7  # 1970-01-01 was a Thursday; Monday is 0
    daily = 1 + 0.35 * np.cos((hour - 15) * 2 * np.pi / 24)
    return np.asarray(daily * np.where(weekday >= 5, 0.75, 1.05))


def _paths(
    volatility: Float64, step: int, random: np.random.Generator
) -> tuple[Float64, Float64, Float64]:
    """`[N]` lowest, highest and last log price of each bar, relative to its open."""
    chance = _JUMPS_PER_DAY * step / DAY_MS / _STEPS
    lowest, highest, last = np.zeros((3, len(volatility)))
    for start in range(0, len(volatility), _CHUNK):
        part = slice(start, start + _CHUNK)
        scale = volatility[part, None] / np.sqrt(_STEPS)
        moves = random.normal(size=(len(scale), _STEPS)) * scale
        jumps = random.poisson(chance, moves.shape)
        moves += random.normal(size=moves.shape) * _JUMP_SIZE * np.sqrt(jumps)
        # The price, not its logarithm, is the martingale.
        moves -= scale**2 / 2 + chance * np.expm1(_JUMP_SIZE**2 / 2)
        path = np.cumsum(moves, axis=1)
        lowest[part] = np.minimum(path.min(axis=1), 0)
        highest[part] = np.maximum(path.max(axis=1), 0)
        last[part] = path[:, -1]
    return lowest, highest, last


def _volume(volatility: Float64, move: Float64, step: int, random: np.random.Generator) -> Float64:
    """`[N]` traded amount: rises with volatility and with the size of the bar's own move."""
    typical = _ANNUAL_VOLATILITY * np.sqrt(step / YEAR_MS)
    activity = 0.6 * volatility / typical + 0.4 * np.abs(move) / typical
    noise = np.exp(random.normal(0, 0.4, len(move)))
    return _rounded(_HOURLY_VOLUME * step / HOUR_MS * activity * noise, _LOT)


def _rounded(values: Float64, unit: float) -> Float64:
    """Whole multiples of the unit, at least one; keeps the order of prices."""
    digits = round(-np.log10(unit))
    return np.maximum(np.round(values, digits), unit)
