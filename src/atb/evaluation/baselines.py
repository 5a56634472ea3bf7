"""The naive forecasts every model is measured against.

Each takes the outcome to forecast and the train labels, and never looks at what came true.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from atb.evaluation.metric import Outcome

Float64 = npt.NDArray[np.float64]
Baseline = Callable[[Outcome, Float64], Outcome]


def _always(outcome: Outcome, value: float) -> Outcome:
    return replace(outcome, predicted=np.full(len(outcome.actual), value))


def persistence(outcome: Outcome, _train: Float64) -> Outcome:
    """Nothing changes: a return of zero."""
    return _always(outcome, 0.0)


def majority(outcome: Outcome, train: Float64) -> Outcome:
    """The more frequent direction on train rows, for certain: a value of 1 up, 0 not up."""
    return _always(outcome, float((train > 0).mean() > 0.5))


def class_frequency(outcome: Outcome, train: Float64) -> Outcome:
    """The share of rises on train rows as the probability of each."""
    return _always(outcome, float((train > 0).mean()))


BASELINES: Mapping[str, Baseline] = {
    "persistence": persistence,
    "majority": majority,
    "class_frequency": class_frequency,
}
