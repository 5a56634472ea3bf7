"""Features that look much like planted leaks and read nothing but the past.

An audit that calls one of these a leak is wrong. All are functions of candles that give `[N]`
float64. Knows numpy and candles only.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from atb.audit.planted_features import HOLD, RARE, SLOW, SPARSE, Feature, Float64, returns_of
from atb.clock import HOUR_MS, timeframe_ms
from atb.market.candles import Candles


def _last(kept: Float64) -> Float64:
    """Each row's value at the last row where one is kept; NaN before the first."""
    place = np.maximum.accumulate(np.where(np.isfinite(kept), np.arange(len(kept)), 0))
    return kept[place]


def trailing_mean(candles: Candles) -> Float64:
    """The mean of the last eleven closes."""
    made = np.full(len(candles), np.nan)
    made[10:] = np.convolve(candles.close, np.ones(11) / 11, "valid")
    return made


def filled_forward(candles: Candles) -> Float64:
    """Sparse values, gaps filled from before."""
    kept = candles.time // timeframe_ms(candles.timeframe) % SPARSE == 0
    return _last(np.where(kept, candles.volume, np.nan))


def expanding_score(candles: Candles) -> Float64:
    """The distance to the mean of all rows so far, in their deviations."""
    count = np.arange(1, len(candles) + 1)
    mean = np.cumsum(candles.close) / count
    spread = np.sqrt(np.maximum(np.cumsum(candles.close**2) / count - mean**2, 1e-12))
    return (candles.close - mean) / spread


def rank_so_far(candles: Candles) -> Float64:
    """The rank among the last hundred volumes."""
    past = np.lib.stride_tricks.sliding_window_view(
        np.append(np.full(99, np.nan), candles.volume), 100
    )
    below: Float64 = (past < candles.volume[:, np.newaxis]).sum(axis=1) / 100
    return below


def exponential_mean(candles: Candles) -> Float64:
    """A recursive mean whose memory never ends."""
    made, level = np.empty(len(candles)), candles.close[0]
    for row, close in enumerate(candles.close):
        level = SLOW * level + (1 - SLOW) * close
        made[row] = level
    return made


def finished_higher_bar(candles: Candles) -> Float64:
    """The close of the last higher bar that has closed."""
    ends = candles.time // timeframe_ms(candles.timeframe) % HOLD == HOLD - 1
    return _last(np.where(ends, candles.close, np.nan)) / candles.close - 1


def encoded_so_far(candles: Candles) -> Float64:
    """The mean return that followed the same hour of the day, of what was known at each row."""
    hours, returns = candles.time // HOUR_MS % 24, np.nan_to_num(returns_of(candles))
    sums, counts, made = np.zeros(24), np.zeros(24), np.zeros(len(candles))
    for row in range(1, len(candles)):
        sums[hours[row - 1]] += returns[row]
        counts[hours[row - 1]] += 1
        made[row] = sums[hours[row]] / max(counts[hours[row]], 1)
    return made


def confirmed_later(candles: Candles) -> Float64:
    """1 where the bar five bars ago is now known to have been a peak."""
    high, made = candles.high, np.zeros(len(candles))
    for row in range(10, len(high)):
        made[row] = high[row - 5] == high[row - 10 : row + 1].max()
    return made


def rare_look_back(candles: Candles) -> Float64:
    """The last return, and at one bar in 397 the one before."""
    returns = returns_of(candles)
    chosen = candles.time // timeframe_ms(candles.timeframe) % RARE == RARE // 2
    return np.where(chosen, np.append(np.nan, returns[:-1]), returns)


def hour_of_day(candles: Candles) -> Float64:
    """The hour, known before the bar begins."""
    return np.sin(2 * np.pi * (candles.time // HOUR_MS % 24) / 24)


FAIR: Mapping[str, Feature] = {
    function.__name__: function
    for function in (
        trailing_mean,
        filled_forward,
        expanding_score,
        rank_so_far,
        exponential_mean,
        finished_higher_bar,
        encoded_so_far,
        confirmed_later,
        rare_look_back,
        hour_of_day,
    )
}
