"""The naive forecasts of returns and classes that every model is measured against.

Each reads the evidence as `Evidence` says it may: never what is not known yet at a test row.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Baseline, Evidence

Float64 = npt.NDArray[np.float64]

FLAT = 1.0  # of three classes, the one in the middle

TITLES = {"har": "HAR", "ewma": "EWMA"}


def title(name: str) -> str:
    """A baseline's name as people read it."""
    return TITLES.get(name, name.replace("_", " "))


def persistence(evidence: Evidence) -> Float64:
    """Nothing changes: a return, or a move, of zero, `[M]`."""
    return np.zeros(len(evidence.test))


def majority_direction(evidence: Evidence) -> Float64:
    """The more frequent direction of train rows that moved, `[M]`: a value of 1 for up, else 0."""
    signs = np.sign(evidence.labels[evidence.train])
    return np.full(len(evidence.test), float(signs.sum() > 0))


def majority(classes: int) -> Baseline:
    """The most frequent of so many classes on train rows, for certain: `[M, C]`."""

    def forecast(evidence: Evidence) -> Float64:
        likeliest = _frequency(evidence, classes).argmax()
        return np.tile(np.eye(classes)[likeliest], (len(evidence.test), 1))

    return forecast


def class_frequency(classes: int) -> Baseline:
    """The share of each of so many classes on train rows as its probability: `[M, C]`.

    As decisions it is a guess with these probabilities.
    """

    def forecast(evidence: Evidence) -> Float64:
        return np.tile(_frequency(evidence, classes), (len(evidence.test), 1))

    return forecast


def random(classes: int) -> Baseline:
    """The same probability for each of so many classes: `[M, C]`, as decisions a blind guess."""

    def forecast(evidence: Evidence) -> Float64:
        return np.full((len(evidence.test), classes), 1 / classes)

    return forecast


def last_move(evidence: Evidence) -> Float64:
    """What came true last comes true again, for certain: `[M, 3]`.

    At a test row the newest label sure to be known is that of the row `horizon` before. Where there
    is none, as after a gap, the forecast is flat.
    """
    rows = evidence.test - evidence.horizon
    newest = evidence.labels[np.maximum(rows, 0)]
    known = np.where((rows >= 0) & np.isfinite(newest), newest, FLAT)
    return np.eye(3)[known.astype(np.int64)]


def _frequency(evidence: Evidence, classes: int) -> Float64:
    learned = evidence.labels[evidence.train].astype(np.int64)
    return np.bincount(learned, minlength=classes) / len(learned)
