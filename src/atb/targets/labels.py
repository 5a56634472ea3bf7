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
    """N labels, one per bar.

    Attributes:
        value: `[N]` float64; NaN where no label exists.
        known_at: `[N]` int64 row of the bar at whose close the label is known; N for never.
        scaled: whether a model should be fitted on the standardised value (regression) or on the
            value itself (classes).
    """

    value: Float64
    known_at: Int64
    scaled: bool

    def scaling(self, rows: Int64) -> tuple[float, float]:
        """Scale and offset, from these rows only, with `value = fitted * scale + offset`."""
        if not self.scaled:
            return 1.0, 0.0
        values = self.value[rows]
        return float(values.std()) or 1.0, float(values.mean())


def forward_log_return(candles: Candles, horizon: int, max_gap: int) -> tuple[Float64, Int64]:
    """`log(close[t + horizon] / close[t])` and the row `t + horizon`.

    NaN and N where the future is not in the candles, or lies beyond a gap of more than `max_gap`
    missing bars.
    """
    n = len(candles)
    value, known_at = np.full(n, np.nan), np.full(n, n)
    segment = candles.segments(max_gap)
    rows = np.flatnonzero(segment[horizon:] == segment[: max(n - horizon, 0)])
    value[rows] = np.log(candles.close[rows + horizon] / candles.close[rows])
    known_at[rows] = rows + horizon
    return value, known_at
