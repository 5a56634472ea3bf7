"""The naive forecasts of returns and classes that every model is measured against.

Each reads the evidence as `Evidence` says it may: never what came true on test rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Baseline, Evidence

Float64 = npt.NDArray[np.float64]

TITLES = {"har": "HAR", "ewma": "EWMA"}


def title(name: str) -> str:
    """A baseline's name as people read it."""
    return TITLES.get(name, name.replace("_", " "))


def persistence(evidence: Evidence) -> Float64:
    """Nothing changes: a return of zero, `[M]`."""
    return np.zeros(len(evidence.test))


def majority_direction(evidence: Evidence) -> Float64:
    """The more frequent direction on train rows, `[M]`: a value of 1 for up, 0 for not up."""
    rises = (evidence.labels[evidence.train] > 0).mean()
    return np.full(len(evidence.test), float(rises > 0.5))


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


def _frequency(evidence: Evidence, classes: int) -> Float64:
    learned = evidence.labels[evidence.train].astype(np.int64)
    return np.bincount(learned, minlength=classes) / len(learned)
