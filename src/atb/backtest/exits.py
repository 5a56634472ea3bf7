"""Stops and take-profits: when a position is closed before its signal changes.

A position is entered at the open at which its side is taken up. A bar that opens beyond a level
fills at that open, one that reaches it later at the level; where a bar reaches both, the stop is
taken to be first. Then nothing is held until another side is asked for. Changes of size move no
level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from atb.config.trading import ExitSpec
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]

REASONS: Final = ("signal", "stop", "take_profit", "end")
SIGNAL, STOP, TAKE_PROFIT, END = range(len(REASONS))


@dataclass(frozen=True)
class Holdings:
    """What is held during B bars.

    Attributes:
        position: `[B]` from each open, in multiples of the equity.
        exit: `[B]` price at which it is closed within the bar; NaN where it is not.
        reason: `[B]` int8, of the trade that ends with the bar, or at the open after it: a number
            of `REASONS`.
    """

    position: Float64
    exit: Float64
    reason: Int8


def untouched(position: Float64) -> Holdings:
    """Positions `[B]` that are held as they are asked for."""
    return Holdings(position, np.full(len(position), np.nan), np.zeros(len(position), np.int8))


def apply(wanted: Float64, bars: Candles, spec: ExitSpec) -> Holdings:
    """What is held of the positions `[B]` asked for, once exits have had their say."""
    if spec.stop is None and spec.take_profit is None:
        return untouched(wanted)
    side, bar = np.sign(wanted), np.arange(len(wanted))
    start = np.maximum.accumulate(np.where(np.diff(side, prepend=0.0) != 0, bar, 0))
    reached = _reached(side, bars.open[start], bars, spec)
    leaves = _first(np.flatnonzero((reached.why != SIGNAL) & (side != 0)), start)
    left, within = bar > leaves, (bar == leaves) & ~reached.at_open
    gapped = (bar == leaves) & reached.at_open
    reason = np.where(within, reached.why, SIGNAL)
    reason[:-1] = np.where(gapped[1:], reached.why[1:], reason[:-1])
    return Holdings(
        position=np.where(left | gapped, 0.0, wanted),
        exit=np.where(within, reached.level, np.nan),
        reason=reason.astype(np.int8),
    )


@dataclass(frozen=True)
class _Reached:
    """Which level each of B bars reaches, if it were held: why, where, and whether at its open."""

    why: Int64
    level: Float64
    at_open: npt.NDArray[np.bool_]


def _reached(side: Float64, entry: Float64, bars: Candles, spec: ExitSpec) -> _Reached:
    long = side > 0
    worst, best = np.where(long, bars.low, bars.high), np.where(long, bars.high, bars.low)
    stop, gain = _level(entry, -side, spec.stop), _level(entry, side, spec.take_profit)
    opens = [_beyond(bars.open, stop, -side), _beyond(bars.open, gain, side)]
    conditions = [*opens, _beyond(worst, stop, -side), _beyond(best, gain, side)]
    why = np.select(conditions, [STOP, TAKE_PROFIT, STOP, TAKE_PROFIT], SIGNAL)
    return _Reached(why, np.where(why == STOP, stop, gain), opens[0] | opens[1])


def _level(entry: Float64, direction: Float64, share: float | None) -> Float64:
    """The price that is a share of the entry price away from it; one never reached without."""
    if share is None:
        return np.where(direction > 0, np.inf, -np.inf)
    level: Float64 = entry * (1 + direction * share)
    return level


def _beyond(price: Float64, level: Float64, direction: Float64) -> npt.NDArray[np.bool_]:
    """Whether a price has reached a level in this direction."""
    reached: npt.NDArray[np.bool_] = np.where(direction > 0, price >= level, price <= level)
    return reached


def _first(hits: Int64, start: Int64) -> Int64:
    """`[B]` the first bar of each bar's run that hits a level; past all bars where none does."""
    leaves = np.full(len(start), len(start))
    runs, first = np.unique(start[hits], return_index=True)
    leaves[runs] = hits[first]
    found: Int64 = leaves[start]
    return found
