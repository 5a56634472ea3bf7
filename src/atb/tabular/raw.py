"""What estimators say of flattened windows, as raw outputs, and what that is worth.

Knows one horizon's numbers, no model and no rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from atb.tabular.part import Sample

Float64 = npt.NDArray[np.float64]


def raw(estimator: Any, sample: Sample) -> Float64:
    """Raw outputs `[M, L]` of a fitted regressor or classifier, see `atb.tabular.part.Part`."""
    ask = getattr(estimator, "decision_function", estimator.predict)
    said: Float64 = np.asarray(ask(sample.windows), np.float64)
    return said.reshape(len(sample.windows), -1)


def loss(said: Float64, sample: Sample, classes: int) -> float:
    """The mean squared error of a standardised quantity, or the cross-entropy of classes in nats.

    Args:
        said: raw outputs `[M, L]`.
        sample: what came true after each window.
        classes: how many a label can be, 1 for a quantity.
    """
    if classes == 1:
        return float(np.square(said[:, 0] - sample.actual).mean())
    logits = np.hstack([np.zeros_like(said), said]) if classes == 2 else said
    chosen = np.take_along_axis(logits, sample.actual.astype(np.int64)[:, np.newaxis], axis=1)
    return float((np.logaddexp.reduce(logits, axis=1) - chosen[:, 0]).mean())
