"""How much less a run of dependent rows says than as many independent ones.

Neighbouring rows of a market are alike, so that a stretch of a thousand rows may say as much as
twenty draws. How much its distribution varies from stretch to stretch is measured by means of
batches of every length (Law and Carson 1979, Operations Research 27(5)), and tests count those
draws instead of rows. Knows columns of yes and no.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

BATCHES = 8  # fewer say too little of how much they vary
TREND = 3  # of the longest lengths, from which longer ones are extrapolated


def inflation(below: Bool) -> Float64:
    """Variance of means of batches beside that of as many independent rows.

    Args:
        below: `[n, k]` whether each row is at most each of k levels, in time order.

    Returns:
        `[J]` for batches of 1, 2, 4, ... rows, from 1, never falling: the mean over the levels of
        `L * var(means) / (p * (1 - p))`, corrected for the batches being part of the whole.
    """
    rows = len(below)
    share = below.mean(axis=0)
    varying = (share > 0) & (share < 1)
    if not varying.any():
        return np.ones(1)
    columns, share = below[:, varying], share[varying]
    sums = np.concatenate([np.zeros((1, len(share)), np.int64), np.cumsum(columns, axis=0)])
    found = [1.0]
    length = 2
    while rows // length >= BATCHES:
        means = np.diff(sums[::length], axis=0) / length
        ratio = length * ((means - share) ** 2).mean(axis=0) / (share * (1 - share))
        found.append(float(ratio.mean()) / (1 - length / rows))
        length *= 2
    return np.maximum.accumulate(found)


def effective(rows: int, inflated: Float64) -> float:
    """How many independent draws say as much as so many rows in a run, at least 1.

    Between lengths it is interpolated, beyond the longest one extrapolated, in logarithms.

    >>> effective(100, np.array([1.0]))
    100.0
    """
    lengths = np.arange(len(inflated)) * np.log(2)
    known, asked = np.log(inflated), np.log(max(rows, 1))
    beyond = max(asked - lengths[-1], 0.0)
    factor = np.interp(asked, lengths, known) + beyond * _slope(lengths, known)
    return max(1.0, float(rows * np.exp(-factor)))


def _slope(lengths: Float64, known: Float64) -> float:
    """Growth per unit of log length, between none and that of rows that repeat one draw."""
    first = max(len(known) - TREND, 0)
    span = lengths[-1] - lengths[first]
    return 0.0 if span == 0 else min(float((known[-1] - known[first]) / span), 1.0)
