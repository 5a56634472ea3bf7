"""Distances between two distributions of counts, and how sure it is that they differ.

Knows counts in bins, never the values that were counted.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

TERMS = 100


def stability_index(expected: Float64, counts: Float64) -> float:
    """Population stability index: `sum((a - e) * ln(a / e))` over groups (Siddiqi 2006).

    Usually read as: below 0.1 nothing, from 0.25 on a major shift. Half a row is added to every
    group, so that an empty one leaves a finite number.

    Args:
        expected: `[G]` shares or counts of the reference.
        counts: `[G]` of what is compared with it.

    >>> round(stability_index(np.array([500.0, 500.0]), np.array([300.0, 700.0])), 4)
    0.1691
    """
    reference = (expected + 0.5) / (expected.sum() + 0.5 * len(expected))
    actual = (counts + 0.5) / (counts.sum() + 0.5 * len(counts))
    return float(((actual - reference) * np.log(actual / reference)).sum())


def distance(expected: Float64, counts: Float64) -> float:
    """Kolmogorov-Smirnov statistic: largest difference of the two cumulated shares, at bin edges.

    Never more than that of the values themselves, and less by no more than a bin's share.
    """
    first, second = (np.cumsum(part) / part.sum() for part in (expected, counts))
    return float(np.abs(first - second).max())


def p_value(statistic: float, first: float, second: float) -> float:
    """Probability of so large a distance between two samples of one distribution.

    Kolmogorov's series, with the small-sample factor of Stephens 1970, JRSS B 32(1).

    Args:
        statistic: `distance`.
        first: independent draws in one sample.
        second: independent draws in the other.
    """
    root = math.sqrt(first * second / (first + second))
    scaled = (root + 0.12 + 0.11 / root) * statistic
    if scaled < 0.2:  # the series converges too slowly, and the answer is 1 to twelve digits
        return 1.0
    k = np.arange(1, TERMS + 1)
    series = 2 * np.sum((-1.0) ** (k - 1) * np.exp(-2 * (k * scaled) ** 2))
    return float(np.clip(series, 0.0, 1.0))


def adjusted(p_values: Float64) -> Float64:
    """P-values corrected for how many there are, under any dependence (Holm 1979).

    >>> adjusted(np.array([0.01, 0.04, 0.03])).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    corrected = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1.0)
    found: Float64 = np.empty_like(p_values)
    found[order] = corrected
    return found
