"""The naive forecasts of volatility: a weighted mean of the past, and a regression on it.

Both read closes up to each test row; the regression also labels of train rows. They see bars, not
times: a return over a gap counts as one bar's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Evidence
from atb.targets.trailing import squared_returns, window_sums

Float64 = npt.NDArray[np.float64]

DECAY = 0.94
TAPS = 512  # bars; what is older has a weight below 1e-13
SPANS = (1, 5, 22)  # horizons


def ewma(evidence: Evidence) -> Float64:
    """Log volatility `[M]` from exponentially weighted squared returns, decay 0.94 a bar.

    RiskMetrics Technical Document (1996), with its decay for daily data; no label is used but the
    smallest train one, as the floor.
    """
    squares = squared_returns(evidence.close)
    total, taps = squares, 1
    while taps < TAPS:
        older = np.zeros_like(total)
        older[taps:] = total[:-taps]
        total, taps = total + DECAY**taps * older, 2 * taps
    bars = np.minimum(np.arange(1, len(squares) + 1), TAPS)
    mean = total * (1 - DECAY) / (1 - DECAY**bars)
    return _log_volatility(mean, evidence)[evidence.test - 1]


def har(evidence: Evidence) -> Float64:
    """Log volatility `[M]` by heterogeneous autoregression (Corsi 2009), in logs.

    The label is regressed, by least squares on train rows, on the log volatilities of the last 1,
    5 and 22 horizons: what day, week and month are to a day ahead. Where the candles have not yet
    so many bars, all there are count.
    """
    squares = squared_returns(evidence.close)
    spans = [span * evidence.horizon for span in SPANS]
    past = [_log_volatility(_trailing_mean(squares, span), evidence) for span in spans]
    design = np.stack([np.ones(len(squares)), *past], axis=1)
    train = evidence.train[evidence.train > 0]
    coefficients = np.linalg.lstsq(design[train - 1], evidence.labels[train])[0]
    forecast: Float64 = design[evidence.test - 1] @ coefficients
    return forecast


def _trailing_mean(values: Float64, bars: int) -> Float64:
    """Mean of the last `bars` values at each, or of all so far where there are fewer."""
    start = values[: bars - 1].cumsum() / np.arange(1, len(values[: bars - 1]) + 1)
    return np.concatenate([start, window_sums(values, bars) / bars])


def _log_volatility(variance: Float64, evidence: Evidence) -> Float64:
    """Half the log, of no less than the calmest train label: a still market has a variance of 0."""
    calmest = np.exp(2 * evidence.labels[evidence.train].min())
    logs: Float64 = np.log(np.maximum(variance, calmest)) / 2
    return logs
