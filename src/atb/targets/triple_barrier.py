"""Which of three barriers the price meets first (López de Prado 2018, chapter 3)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.config.targets import TripleBarrierTarget
from atb.market.candles import Candles
from atb.targets import trailing
from atb.targets.labels import Float64, Labels

Bool = npt.NDArray[np.bool_]

STOP, TIME, PROFIT = 0.0, 1.0, 2.0


def build(spec: TripleBarrierTarget, candles: Candles, max_gap: int = 0) -> Labels:
    """0 for the stop, 1 for the time barrier, 2 for the profit, known at the bar that decides.

    The barriers stand at `close * exp(profit * v)` and `close * exp(-stop * v)`, with the trailing
    volatility times the root of the horizon as `v`. A later bar meets them with its high or its
    low. One that meets both counts as the stop: in which order it did is unknown, and a profit
    that may not have been made is not credited. What is undecided after `horizon` bars is flat.

    A label exists as soon as it is decided, whatever follows. One that is undecided when the
    candles end, or at a gap of more than `max_gap` missing bars, is never known.
    """
    n, (horizon,) = len(candles), spec.horizons
    value, known_at = np.full(n, np.nan), np.full(n, n)
    segment = candles.segments(max_gap)
    upper, lower = _barriers(spec, candles, max_gap)
    open_rows = np.flatnonzero(np.isfinite(upper))
    for step in range(1, horizon + 1):
        open_rows = open_rows[open_rows + step < n]
        open_rows = open_rows[segment[open_rows + step] == segment[open_rows]]
        bars = open_rows + step
        stopped: Bool = candles.low[bars] <= lower[open_rows]
        won: Bool = candles.high[bars] >= upper[open_rows]
        met = stopped | won
        value[open_rows[met]] = np.where(stopped[met], STOP, PROFIT)
        known_at[open_rows[met]] = bars[met]
        open_rows = open_rows[~met]
    value[open_rows] = TIME
    known_at[open_rows] = open_rows + horizon
    return Labels(value[:, np.newaxis], known_at, spec.classes)


def _barriers(spec: TripleBarrierTarget, candles: Candles, max_gap: int) -> tuple[Float64, Float64]:
    """Upper and lower barrier `[N]` in the quote currency; NaN where no volatility is known."""
    expected = trailing.volatility(candles, spec.span, max_gap) * np.sqrt(spec.horizon)
    upper: Float64 = candles.close * np.exp(spec.profit * expected)
    lower: Float64 = candles.close * np.exp(-spec.stop * expected)
    return upper, lower
