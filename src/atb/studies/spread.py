"""A figure that came several times: its mean, its deviation, its quantiles.

Knows numbers, not what they measure; one that is missing is None, and left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from atb import student
from atb.backtest.performance import ROUNDING

Json = dict[str, Any]

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def over(values: Sequence[float | None]) -> Json:
    """Mean and sample deviation, and every value; None where there are too few."""
    known = [value for value in values if value is not None]
    return {
        "mean": float(np.mean(known)) if known else None,
        "deviation": float(np.std(known, ddof=1)) if len(known) > 1 else None,
        "each": list(values),
    }


def distribution(values: Sequence[float | None]) -> Json:
    """Mean, sample deviation, `QUANTILES` by their number, and the share of values below zero."""
    known = [value for value in values if value is not None]
    found = over(values)
    return {
        "mean": found["mean"],
        "deviation": found["deviation"],
        "quantiles": {
            f"{share:g}": float(np.quantile(known, share)) if known else None for share in QUANTILES
        },
        "below_zero": float(np.mean(np.array(known) < 0)) if known else None,
    }


def p_value(values: Sequence[float | None], tested_share: float) -> float | None:
    """Of so high a mean over folds, were the true one zero; one-sided.

    The corrected resampled t-test of Nadeau and Bengio (2003), Inference for the generalization
    error: folds learn from much the same windows, so their variance is raised by `tested_share`.

    Args:
        values: of each fold.
        tested_share: windows a fold tests, over those it learns from.

    Returns:
        None for fewer than two folds, or where all are alike.
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return None
    mean, deviation = float(np.mean(known)), float(np.std(known, ddof=1))
    if deviation <= ROUNDING * abs(mean):
        return None
    error = math.sqrt(1 / len(known) + tested_share) * deviation
    return 1 - student.below(mean / error, len(known) - 1)


def of_each(many: Sequence[Mapping[str, Any]]) -> dict[str, list[float | None]]:
    """By name, each figure in each of several objects: whatever is a number in one of them."""
    found = dict.fromkeys(name for one in many for name, value in one.items() if _is_number(value))
    return {name: [one.get(name) for one in many] for name in found}


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a number; truth is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
