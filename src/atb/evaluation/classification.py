"""Metrics of forecast probabilities of a rise. Knows outcomes, not where they came from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Metric, Outcome, first, mean_of

Float64 = npt.NDArray[np.float64]

_SMALLEST = 1e-12  # keeps the log loss of a certain and wrong forecast finite


def _log_loss(outcome: Outcome) -> Float64:
    p = np.clip(outcome.predicted, _SMALLEST, 1 - _SMALLEST)
    loss: Float64 = -np.where(outcome.actual > 0.5, np.log(p), np.log1p(-p))
    return loss


def _right_class(outcome: Outcome) -> Float64:
    return np.equal(outcome.predicted > 0.5, outcome.actual > 0.5).astype(np.float64)


def _placements(outcome: Outcome) -> Float64:
    """Per-row terms `[M]` whose mean is the area under the ROC curve; NaN for one class only.

    A row's term is the area plus the row's influence on it, which is the share of the other class
    it is ranked right against, ties counting half (DeLong, DeLong and Clarke-Pearson 1988). So the
    area has the form of every other metric, and its interval.
    """
    rose = outcome.actual > 0.5
    if rose.all() or not rose.any():
        return np.full(len(rose), np.nan)
    ups, downs = outcome.predicted[rose], outcome.predicted[~rose]
    placed = np.empty(len(rose))
    placed[rose] = _share_below(ups, downs)
    placed[~rose] = 1 - _share_below(downs, ups)
    area = placed[rose].mean()
    frequency = np.where(rose, rose.mean(), 1 - rose.mean())
    terms: Float64 = area + (placed - area) / frequency
    return terms


def _share_below(scores: Float64, others: Float64) -> Float64:
    """For each score the share of `others` below it, ties counting half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, scores, side="left")
    not_above = np.searchsorted(ordered, scores, side="right")
    return (below + not_above) / (2 * len(others))


METRICS = (
    Metric("log_loss", mean_of(_log_loss), first),
    Metric("brier", mean_of(lambda o: (o.predicted - o.actual) ** 2), first),
    Metric("auc", mean_of(_placements), first),
)
ACCURACY = Metric("accuracy", mean_of(_right_class), first)
