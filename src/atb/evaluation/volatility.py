"""Metrics of forecast log volatility. Knows outcomes, not where they came from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation import regression
from atb.evaluation.metric import Metric, Outcome, first, mean_of, root

Float64 = npt.NDArray[np.float64]


def _qlike(outcome: Outcome) -> Float64:
    """`v / f - log(v / f) - 1` of the realised variance v and the forecast one f.

    The quasi-likelihood loss (Patton 2011), shifted so that a perfect forecast has 0: it ranks
    forecasts as the true variance would, though v is noisy, and a forecast too low costs more.
    """
    log_ratio = 2 * (outcome.actual - outcome.predicted)
    loss: Float64 = np.expm1(log_ratio) - log_ratio
    return loss


METRICS = (
    regression.LOSS,
    Metric("log_rmse", mean_of(lambda o: (o.predicted - o.actual) ** 2), root),
    Metric("qlike", mean_of(_qlike), first),
    regression.R2,
)
