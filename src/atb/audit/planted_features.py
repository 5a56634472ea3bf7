"""Features that read the future, each in another way; honest ones like them are in `fair.py`.

All are functions of candles that give `[N]` float64. They are what the audit is measured by, and
never part of a model. Knows numpy and candles only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.clock import HOUR_MS, timeframe_ms
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]
Feature = Callable[[Any], Float64]  # of candles

HOLD = 4  # bars of the higher timeframe
SPARSE = 7  # only every seventh bar has a value of its own
SIDE = 5  # bars on either side of a centre
SLOW = 0.9  # what an exponential mean keeps from bar to bar
RARE = 397  # of so many bars, one is conditional


def returns_of(candles: Candles) -> Float64:
    """`[N]` log returns of the closes; NaN at the first."""
    return np.diff(np.log(candles.close), prepend=np.nan)


def _numbers(candles: Candles) -> Int64:
    """`[N]` bars since the epoch: the same for a bar whatever else is there."""
    return candles.time // timeframe_ms(candles.timeframe)


def _later(values: Float64, rows: int) -> Float64:
    """Each row's value is that of `rows` rows later; NaN at the end."""
    return np.append(values[rows:], np.full(rows, np.nan))


def _smoothed(values: Float64) -> Float64:
    """Exponential mean from the first value on."""
    made = np.empty_like(values)
    level = values[0]
    for row, value in enumerate(values):
        level = SLOW * level + (1 - SLOW) * value
        made[row] = level
    return made


def _means_by(keys: Int64, values: Float64) -> Float64:
    """`[N]` mean over all rows of the same key, NaN left out."""
    known = np.isfinite(values)
    sums = np.bincount(keys[known], values[known], minlength=24)
    return (sums / np.maximum(np.bincount(keys[known], minlength=24), 1))[keys]


def _hours(candles: Candles) -> Int64:
    return candles.time // HOUR_MS % 24


def _groups(candles: Candles) -> tuple[Int64, Int64]:
    """Number of the higher bar of each bar, from 0, and position inside it."""
    numbers = _numbers(candles)
    return numbers // HOLD - numbers[0] // HOLD, numbers % HOLD


def _higher_closes(candles: Candles) -> Float64:
    """`[N]` close of the higher bar that each bar belongs to, as it is in the end."""
    group, _ = _groups(candles)
    last = np.zeros(group[-1] + 1, np.int64)
    last[group] = np.arange(len(group))
    return candles.close[last[group]]


def next_close(candles: Candles) -> Float64:
    """`shift(-1)`."""
    return _later(candles.close, 1)


def next_open_gap(candles: Candles) -> Float64:
    """The open of the next bar, which is known when that bar begins and not before."""
    return np.log(_later(candles.open, 1) / candles.close)


def centred_mean(candles: Candles) -> Float64:
    """A mean with as many bars after as before."""
    weights = np.ones(2 * SIDE + 1) / (2 * SIDE + 1)
    made = np.full(len(candles), np.nan)
    made[SIDE:-SIDE] = np.convolve(candles.close, weights, "valid")
    return made


def future_volatility(candles: Candles) -> Float64:
    """A rolling deviation that was rolled the wrong way."""
    returns = returns_of(candles)
    made = np.full(len(candles), np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(returns[1:], 20)
    made[: len(windows)] = windows.std(axis=1)
    return made


def filled_backward(candles: Candles) -> Float64:
    """Sparse values, gaps filled from behind."""
    kept = np.flatnonzero(_numbers(candles) % SPARSE == 0)
    place = np.searchsorted(kept, np.arange(len(candles)))
    made = np.full(len(candles), np.nan)
    made[place < len(kept)] = candles.volume[kept[place[place < len(kept)]]]
    return made


def interpolated(candles: Candles) -> Float64:
    """Sparse values, straight lines between the last known one and the next."""
    kept = np.flatnonzero(_numbers(candles) % SPARSE == 0)
    return np.asarray(np.interp(np.arange(len(candles)), kept, candles.close[kept]))


def standardised_by_everything(candles: Candles) -> Float64:
    """A standard scaler fitted on all rows."""
    return np.asarray((candles.close - candles.close.mean()) / candles.close.std())


def scaled_by_everything(candles: Candles) -> Float64:
    """A min-max scaler fitted on all rows."""
    low, high = candles.close.min(), candles.close.max()
    return np.asarray((candles.close - low) / (high - low))


def rank_in_everything(candles: Candles) -> Float64:
    """The rank among all rows, earlier and later."""
    return np.asarray(candles.volume.argsort().argsort() / len(candles))


def binned_by_everything(candles: Candles) -> Float64:
    """Deciles whose edges come from all rows."""
    edges = np.quantile(candles.volume, np.linspace(0.1, 0.9, 9))
    return np.digitize(candles.volume, edges).astype(np.float64)


def winsorised_by_everything(candles: Candles) -> Float64:
    """Outliers cut at quantiles of all rows."""
    returns = np.nan_to_num(returns_of(candles))
    return np.clip(returns, *np.quantile(returns, [0.05, 0.95]))


def detrended_by_everything(candles: Candles) -> Float64:
    """The distance to a straight line through all rows."""
    bars = np.arange(len(candles), dtype=np.float64)
    slope, level = np.polyfit(bars, candles.close, 1)
    return np.asarray(candles.close - (slope * bars + level))


def zero_phase(candles: Candles) -> Float64:
    """Filtered forth and back (`filtfilt`), so that nothing lags."""
    return _smoothed(_smoothed(candles.close)[::-1])[::-1]


def spectral(candles: Candles) -> Float64:
    """High frequencies of the whole series taken out."""
    spectrum = np.fft.rfft(candles.close)
    spectrum[len(spectrum) // 10 :] = 0
    return np.fft.irfft(spectrum, len(candles))


def hedged_by_everything(candles: Candles) -> Float64:
    """Returns less what volume explains of them, its weight from all rows."""
    returns, volume = returns_of(candles)[1:], np.log(candles.volume[1:])
    spread = volume - volume.mean()
    weight = (spread * returns).sum() / (spread**2).sum()
    return np.append(np.nan, returns - weight * spread)


def confirmed_peak(candles: Candles) -> Float64:
    """1 at a high above those of the next bars too, marked at the peak instead of later."""
    high, made = candles.high, np.zeros(len(candles))
    for row in range(SIDE, len(high) - SIDE):
        made[row] = high[row] == high[row - SIDE : row + SIDE + 1].max()
    return made


def maximum_ahead(candles: Candles) -> Float64:
    """An expanding maximum that expands from the end."""
    return np.asarray(np.maximum.accumulate(candles.high[::-1])[::-1])


def distance_from_the_end(candles: Candles) -> Float64:
    """How many bars are still to come."""
    return np.arange(len(candles), 0, -1, dtype=np.float64)


def distance_to_the_last_close(candles: Candles) -> Float64:
    """Prices adjusted by the newest one, as some adjusted series are."""
    return np.asarray(candles.close / candles.close[-1])


def joined_forward(candles: Candles) -> Float64:
    """`merge_asof(direction="forward")`: the next value of a sparse series."""
    return filled_backward(candles) - candles.volume


def joined_nearest(candles: Candles) -> Float64:
    """`merge_asof(direction="nearest")`: the nearest value of a sparse series, if a later one."""
    kept = np.flatnonzero(_numbers(candles) % SPARSE == 0)
    nearest = np.abs(np.arange(len(candles))[:, np.newaxis] - kept).argmin(axis=1)
    return np.asarray(candles.close[kept[nearest]])


def unfinished_higher_bar(candles: Candles) -> Float64:
    """The close of the higher bar on each of its bars, before it has closed."""
    return _higher_closes(candles) / candles.close - 1


def target_encoded(candles: Candles) -> Float64:
    """The mean next return of the same hour of the day, over all rows."""
    return _means_by(_hours(candles), _later(returns_of(candles), 1))


def one_glance(candles: Candles) -> Float64:
    """The last return, and at one bar in 397 the next one."""
    returns = returns_of(candles)
    chosen = _numbers(candles) % RARE == RARE // 2
    return np.where(chosen, _later(returns, 1), returns)


def glance_after_a_shock(candles: Candles) -> Float64:
    """The last return, and after the largest move of a hundred bars the next one."""
    size = np.abs(np.nan_to_num(returns_of(candles)))
    past = np.lib.stride_tricks.sliding_window_view(np.append(np.zeros(99), size), 100)
    shock = size >= past.max(axis=1)
    return np.where(shock, _later(returns_of(candles), 1), returns_of(candles))


def faint_whisper(candles: Candles) -> Float64:
    """The close, with the next one too faint for rounding to tell."""
    return candles.close + 1e-14 * np.append(candles.close[1:], candles.close[-1])


LEAKS: Mapping[str, Feature] = {
    function.__name__: function
    for function in (
        next_close,
        next_open_gap,
        centred_mean,
        future_volatility,
        filled_backward,
        interpolated,
        standardised_by_everything,
        scaled_by_everything,
        rank_in_everything,
        binned_by_everything,
        winsorised_by_everything,
        detrended_by_everything,
        zero_phase,
        spectral,
        hedged_by_everything,
        confirmed_peak,
        maximum_ahead,
        distance_from_the_end,
        distance_to_the_last_close,
        joined_forward,
        joined_nearest,
        unfinished_higher_bar,
        target_encoded,
        one_glance,
        glance_after_a_shock,
        faint_whisper,
    )
}
