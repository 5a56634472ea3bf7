"""Student's t distribution, for whole degrees of freedom. Knows numbers only."""

from __future__ import annotations

import math

import numpy as np

HALVINGS = 50  # as many bits of the quantile are right


def below(value: float, freedom: int) -> float:
    """Probability of a value of Student's t distribution below the given one.

    The finite series of Abramowitz and Stegun (1964), 26.7.3 and 26.7.4.

    Args:
        value: where the distribution is cut.
        freedom: degrees of freedom, at least 1.

    >>> round(below(2.776, 4), 4)
    0.975
    """
    angle = math.atan2(value, math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2
    steps = np.arange(1, (freedom - 1 - odd) // 2 + 1)
    factors = cosine**2 * (2 * steps - 1 + odd) / (2 * steps + odd)
    series = math.sin(angle) * (1 + float(np.cumprod(factors).sum()))
    if odd:
        series = 2 / math.pi * (angle + (series * cosine if freedom > 1 else 0.0))
    return min(max((1 + series) / 2, 0.0), 1.0)


def quantile(probability: float, freedom: int) -> float:
    """Value that Student's t distribution stays below with the given probability, by halving.

    Args:
        probability: above 0, below 1.
        freedom: degrees of freedom, at least 1.

    >>> round(quantile(0.975, 4), 4)
    2.7764
    """
    high = 1.0
    while not below(-high, freedom) <= probability <= below(high, freedom):
        high *= 2
    low = -high
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle, freedom) < probability else (low, middle)
    return (low + high) / 2
