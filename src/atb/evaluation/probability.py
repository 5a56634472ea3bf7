"""Metrics of forecast probabilities, of two classes or more.

A forecast is `[M, C]`, or `[M]` probabilities of a rise, which stand for two columns. Knows
outcomes, not where they came from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Metric, Outcome, first, mean_of

Float64 = npt.NDArray[np.float64]

BINS = 15
_SMALLEST = 1e-12  # keeps the log loss of a certain and wrong forecast finite


def by_class(predicted: Float64) -> Float64:
    """Probabilities `[M, C]` of every class; `[M]` are those of the second of two."""
    if predicted.ndim > 1:
        return predicted
    return np.stack([1 - predicted, predicted], axis=1)


def _of_the_truth(outcome: Outcome) -> Float64:
    """`[M]` probability that was given to what came true."""
    rows = np.arange(len(outcome.actual))
    given: Float64 = by_class(outcome.predicted)[rows, outcome.actual.astype(np.int64)]
    return given


def _log_loss(outcome: Outcome) -> Float64:
    loss: Float64 = -np.log(np.maximum(_of_the_truth(outcome), _SMALLEST))
    return loss


def _brier(outcome: Outcome) -> Float64:
    """Squared distances summed over the classes (Brier 1950); of two classes, over the rise only.

    So the binary score is `(p - y)^2`, half the sum of its two equal terms.
    """
    given = by_class(outcome.predicted)
    classes = given.shape[1]
    distance = ((given - np.eye(classes)[outcome.actual.astype(np.int64)]) ** 2).sum(axis=1)
    squares: Float64 = distance / 2 if classes == 2 else distance
    return squares


def _overconfidence(outcome: Outcome) -> Float64:
    """`[M, BINS]` whether the likeliest class came true less its probability, in its bin."""
    confidence, right = likeliest(outcome.predicted, outcome.actual)
    columns: Float64 = np.eye(BINS)[bin_of(confidence)] * (right - confidence)[:, np.newaxis]
    return columns


def likeliest(predicted: Float64, actual: Float64) -> tuple[Float64, npt.NDArray[np.bool_]]:
    """Probability of the likeliest class `[M]`, and whether it came true."""
    given = by_class(predicted)
    return given.max(axis=1), given.argmax(axis=1) == actual


def bin_of(confidence: Float64) -> npt.NDArray[np.int64]:
    """Which of `BINS` equal bins a probability `[M]` is in; its upper end belongs to a bin."""
    return np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)


def _placements(outcome: Outcome) -> Float64:
    """Per-row terms `[M]` whose mean is the area under the ROC curve; NaN for one class only.

    A row's term is the area plus the row's influence on it, which is the share of the other class
    it is ranked right against, ties counting half (DeLong, DeLong and Clarke-Pearson 1988). So the
    area has the form of every other metric, and its interval.
    """
    rose = outcome.actual > 0.5
    if rose.all() or not rose.any():
        return np.full(len(rose), np.nan)
    score = by_class(outcome.predicted)[:, 1]
    ups, downs = score[rose], score[~rose]
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


# Expected calibration error (Guo et al. 2017): over 15 equal bins of the probability of the
# likeliest class, the difference of the bin's accuracy and mean confidence, weighted by its rows.
# Chance makes it positive for a calibrated forecast too, in a resample more than on all rows.
CALIBRATION = Metric("calibration_error", _overconfidence, lambda means: np.abs(means).sum(axis=-1))
METRICS = (
    Metric("log_loss", mean_of(_log_loss), first),
    Metric("brier", mean_of(_brier), first),
    CALIBRATION,
)
AUC = Metric("auc", mean_of(_placements), first, rising=True)
