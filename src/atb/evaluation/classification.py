"""Metrics of forecast probabilities of a rise. Knows outcomes, not where they came from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Metric, Outcome, first, mean_of

Float64 = npt.NDArray[np.float64]

_SMALLEST = 1e-12  # keeps the log loss of a certain and wrong forecast finite


def _log_loss(outcome: Outcome) -> Float64:
    p = np.clip(outcome.predicted, _SMALLEST, 1 - _SMALLEST)
    return -np.where(outcome.actual > 0.5, np.log(p), np.log1p(-p))


METRICS = (
    Metric("log_loss", mean_of(_log_loss), first, "lower"),
    Metric("brier", mean_of(lambda o: (o.predicted - o.actual) ** 2), first, "lower"),
)
ACCURACY = Metric(
    "accuracy",
    mean_of(lambda o: ((o.predicted > 0.5) == (o.actual > 0.5)).astype(np.float64)),
    first,
    "higher",
)


def auc(outcome: Outcome) -> float:
    """Area under the ROC curve by ranks (Mann and Whitney 1947); 0.5 when one class is absent."""
    order = np.argsort(outcome.predicted, kind="stable")
    _, inverse, counts = np.unique(
        outcome.predicted[order], return_inverse=True, return_counts=True
    )
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]
    rose = outcome.actual[order] > 0.5
    ups, downs = int(rose.sum()), int((~rose).sum())
    if not ups or not downs:
        return 0.5
    return float((ranks[rose].sum() - ups * (ups + 1) / 2) / (ups * downs))
