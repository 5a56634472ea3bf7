"""Labels that are not what they say: that read further, less far, or are known before they say so.

All are functions of candles that give labels. They are what the audit is measured by. Knows prices
and labels only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from atb.audit.planted_features import HOLD
from atb.clock import timeframe_ms
from atb.config.targets import TripleBarrierTarget
from atb.market.candles import Candles
from atb.targets import triple_barrier
from atb.targets.labels import Labels

Float64 = npt.NDArray[np.float64]
Build = Callable[[Candles], Labels]


def _return(candles: Candles, horizon: int) -> Float64:
    """`[N]` log return over the next bars, NaN where they are not there."""
    made = np.full(len(candles), np.nan)
    made[:-horizon] = np.log(candles.close[horizon:] / candles.close[:-horizon])
    return made


def _labels(value: Float64, ahead: int, classes: int = 1) -> Labels:
    """Labels that say they are known so many rows ahead."""
    n = len(value)
    known = np.where(np.isnan(value), n, np.minimum(np.arange(n) + ahead, n))
    return Labels(value[:, np.newaxis], known, classes)


def off_by_one(candles: Candles) -> Labels:
    """The return over two bars, said to be known after one."""
    return _labels(_return(candles, 2), 1)


def present_return(candles: Candles) -> Labels:
    """The return into the row itself: `shift` forgotten, so that features hold the answer."""
    past = np.append(np.nan, _return(candles, 1)[:-1])
    past[-1:] = np.nan  # as a label of the next bar would be
    return _labels(past, 1)


def resampled_on_the_left(candles: Candles) -> Labels:
    """The return of a higher bar, put at its first row with the name of its last."""
    numbers = candles.time // timeframe_ms(candles.timeframe)
    first = np.flatnonzero(numbers % HOLD == 0)
    first = first[first + HOLD < len(candles)]
    value = np.full(len(candles), np.nan)
    value[first] = np.log(candles.close[first + HOLD] / candles.close[first])
    return _labels(value, 1)


def whole_higher_bar(candles: Candles) -> Labels:
    """The return of the higher bar on each of its rows, most of which know some of it, or all."""
    numbers = candles.time // timeframe_ms(candles.timeframe)
    start = np.arange(len(candles)) - numbers % HOLD
    sound = (start >= 0) & (start + HOLD - 1 < len(candles))
    value = np.full(len(candles), np.nan)
    value[sound] = np.log(candles.close[start[sound] + HOLD - 1] / candles.open[start[sound]])
    return _labels(value, 1)


def barrier_known_at_once(candles: Candles) -> Labels:
    """Triple barriers that say the next bar decides them."""
    labels = triple_barrier.build(TripleBarrierTarget(span=20), candles)
    return _labels(labels.value[:, 0], 1, classes=3)


def smoothed_both_ways(candles: Candles) -> Labels:
    """The move to a mean centred on the horizon, whose later half comes after it."""
    mean = np.full(len(candles), np.nan)
    mean[2:-2] = np.convolve(candles.close, np.ones(5) / 5, "valid")
    ahead = np.append(mean[5:], np.full(5, np.nan))
    return _labels(np.log(ahead / candles.close), 5)


def cut_at_quantiles_of_everything(candles: Candles) -> Labels:
    """Classes whose thresholds come from all returns."""
    value = _return(candles, 1)
    low, high = np.nanquantile(value, [1 / 3, 2 / 3])
    classes = 1.0 + (value > high) - (value < low)
    return _labels(np.where(np.isnan(value), np.nan, classes), 1, classes=3)


def standardised_by_everything(candles: Candles) -> Labels:
    """Returns over the deviation of all returns."""
    value = _return(candles, 1)
    return _labels(value / np.nanstd(value), 1)


def filled_at_the_end(candles: Candles) -> Labels:
    """Labels where there is no future yet: the last known one is repeated."""
    value = _return(candles, 3)
    value[-3:] = value[-4]
    known = np.minimum(np.arange(len(candles)) + 3, len(candles) - 1)
    return Labels(value[:, np.newaxis], known, 1)


def known_too_late(candles: Candles) -> Labels:
    """The next return, said to be known five rows after it is: `known_at` cannot be trusted."""
    return _labels(_return(candles, 1), 6)


LEAKS: Mapping[str, Build] = {
    function.__name__: function
    for function in (
        off_by_one,
        present_return,
        resampled_on_the_left,
        whole_higher_bar,
        barrier_known_at_once,
        smoothed_both_ways,
        cut_at_quantiles_of_everything,
        standardised_by_everything,
        filled_at_the_end,
        known_too_late,
    )
}
