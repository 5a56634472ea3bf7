"""Labels: the value to predict at each bar and the bar at which it becomes known.

Purging reads `known_at`, so a label that looks further ahead purges itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Labels:
    """N labels, one per bar, of K horizons each.

    Attributes:
        value: `[N, K]` float64 quantity, or index of the class; NaN where no label exists.
        known_at: `[N]` int64 row of the bar at whose close all K are known; N for never.
        classes: number of classes, 1 for a quantity.
    """

    value: Float64
    known_at: Int64
    classes: int

    def scaling(self, rows: Int64) -> tuple[Float64, Float64]:
        """Scale and offset `[K]` from these rows only, with `value = fitted * scale + offset`.

        Quantities are fitted with mean 0 and deviation 1, classes as they are.
        """
        if self.classes > 1:
            columns = self.value.shape[1]
            return np.ones(columns), np.zeros(columns)
        values = self.value[rows]
        deviation = values.std(axis=0)
        return np.where(deviation > 0, deviation, 1.0), values.mean(axis=0)


def by_horizon(columns: list[tuple[Float64, Int64]], classes: int) -> Labels:
    """Labels from the value `[N]` and the row `[N]` at which it is known, of each horizon."""
    values, known = zip(*columns, strict=True)
    return Labels(np.stack(values, axis=1), np.max(known, axis=0), classes)


def unbroken(candles: Candles, bars: int, max_gap: int) -> Int64:
    """Rows from which `bars` further bars follow without a gap of more than `max_gap` bars."""
    segment = candles.segments(max_gap)
    return np.flatnonzero(segment[bars:] == segment[: max(len(candles) - bars, 0)])


def forward_log_return(candles: Candles, horizon: int, max_gap: int) -> tuple[Float64, Int64]:
    """`log(close[t + horizon] / close[t])` and the row `t + horizon`.

    NaN and N where the future is not in the candles, or lies beyond a gap of more than `max_gap`
    missing bars.
    """
    n = len(candles)
    value, known_at = np.full(n, np.nan), np.full(n, n)
    rows = unbroken(candles, horizon, max_gap)
    value[rows] = np.log(candles.close[rows + horizon] / candles.close[rows])
    known_at[rows] = rows + horizon
    return value, known_at
