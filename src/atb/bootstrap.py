"""Confidence intervals by circular block bootstrap (Politis and Romano 1992).

Blocks keep the dependence of neighbouring rows that single rows would lose; the series is seen as
a circle, so that each row is drawn equally often. Knows rows and means, not what they mean.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from atb import student

Float64 = npt.NDArray[np.float64]

RESAMPLES = 2000
LEVEL = 0.95


def block_length(rows: int, horizon: int) -> int:
    """Rows in a block: the cube root of all rows, at least three horizons, at most a fifth.

    The rate rows^(1/3) is that of Kunsch 1989, Annals of Statistics 17(3). Overlapping labels of
    horizon h are dependent over h rows, and blocks of 3h keep 8/9 of the variance that makes. A
    block shorter than the dependence hides it; fewer than five blocks say nothing.
    """
    cube_root: int = math.ceil(float(rows) ** (1 / 3))
    return max(1, min(max(cube_root, 3 * horizon), rows // 5))


def resampled_means(columns: Float64, block: int, seed: int) -> Float64:
    """Means of columns over `RESAMPLES` resamples of n rows each, made of random blocks.

    A block's sum is the difference of two cumulative sums, so the work grows with the number of
    blocks, not of rows. Every column sees the same resamples.

    Args:
        columns: `[n, k]` float64 in time order.
        block: rows in a block, 1 to n; the first of each resample is cut to make n rows.
        seed: of the random starts; equal seeds draw equal rows.

    Returns:
        `[RESAMPLES, k]` float64.
    """
    rows = len(columns)
    starts, rest = _starts(rows, block, seed)
    sums = np.concatenate([np.zeros_like(columns[:1]), columns, columns[:block]]).cumsum(axis=0)
    whole = sums[block : block + rows] - sums[:rows]
    cut = sums[rest : rest + rows] - sums[:rows]
    totals: Float64 = cut[starts[:, 0]]
    for column in range(columns.shape[1]):
        totals[:, column] += whole[:, column].take(starts[:, 1:]).sum(axis=1)
    totals /= rows
    return totals


def resampled_falls(steps: Float64, block: int, seed: int) -> Float64:
    """Deepest fall of the running sum from a peak, the start among them, over every resample.

    What a block does to a running sum is known by four numbers, so that the work grows with the
    number of blocks.

    Args:
        steps: `[n]` float64 in time order.
        block: rows in a block, 1 to n.
        seed: equal ones draw the rows that `resampled_means` draws.

    Returns:
        `[RESAMPLES]` float64, at least 0.
    """
    starts, rest = _starts(len(steps), block, seed)
    deepest, below = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
    first, whole = _passages(steps, rest), _passages(steps, block)
    for number, drawn in enumerate(starts.T):
        total, depth, fall, end = (part[drawn] for part in (whole if number else first))
        deepest = np.maximum(deepest, np.maximum(below + depth, fall))
        below = np.maximum(below - total, end)
    return deepest


def _passages(steps: Float64, length: int) -> tuple[Float64, Float64, Float64, Float64]:
    """Of so many steps from each start `[n]` on, around the circle, four numbers `[n]` each.

    The sum; how far it goes below the start; its deepest fall from a peak; how far the last peak is
    above the end.
    """
    around = np.concatenate([steps, steps[:length]])
    total, peak, depth, fall = np.zeros((4, len(steps)))
    for step in range(length):
        total = total + around[step : step + len(steps)]
        peak = np.maximum(peak, total)
        depth = np.maximum(depth, -total)
        fall = np.maximum(fall, peak - total)
    return total, depth, fall, peak - total


def _starts(rows: int, block: int, seed: int) -> tuple[npt.NDArray[np.int32], int]:
    """Random starts `[RESAMPLES, blocks]` of blocks, and the length of the first of each."""
    blocks = math.ceil(rows / block)
    starts = np.random.default_rng(seed).integers(0, rows, (RESAMPLES, blocks), dtype=np.int32)
    return starts, rows - (blocks - 1) * block


def interval(samples: Float64, draws: float) -> tuple[float, float]:
    """Expanded percentile interval at `LEVEL`; samples that are NaN are left out.

    Of few draws plain percentiles (Efron 1979) are too narrow, as a normal interval is whose
    deviation is not corrected for degrees of freedom. Those taken here lie further out, by as much
    as Student's t interval of a mean is wider; of hundreds of draws they are the same (Hesterberg
    2015, What Teachers Should Know About the Bootstrap, The American Statistician 69(4)).

    Args:
        samples: `[R]` or `[R, 1]` float64 figures of resamples.
        draws: independent draws a resample is made of, rows / block, whole or not; fewer than two
            count as two.
    """
    tail = _tail(max(draws, 2.0))
    low, high = np.nanquantile(samples, [tail, 1 - tail])
    return float(low), float(high)


def _tail(draws: float) -> float:
    """Share of the resamples on either side of the interval: Phi(-sqrt(n / (n - 1)) t_{n-1})."""
    edge = student.quantile((1 + LEVEL) / 2, int(draws) - 1)
    return NormalDist().cdf(-math.sqrt(draws / (draws - 1)) * edge)
