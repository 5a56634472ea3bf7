"""Confidence intervals by circular block bootstrap (Politis and Romano 1992).

Blocks keep the dependence of neighbouring bars that single rows would lose.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]

RESAMPLES = 2000


def block_length(rows: int, horizon: int) -> int:
    """Rows in a block: the cube root of all rows, at least twice the horizon, at most a tenth.

    The rate n^(1/3) is that of Kunsch 1989, Annals of Statistics 17(3); overlapping labels of
    horizon h are dependent over h rows.
    """
    return max(1, min(max(math.ceil(rows ** (1 / 3)), 2 * horizon), rows // 10))


def resampled_means(columns: Float64, block: int, seed: int, count: int = RESAMPLES) -> Float64:
    """Means of columns over resamples made of random blocks; the series is seen as a circle.

    Args:
        columns: `[n, k]` float64 in time order.
        block: rows in a block.
        seed: of the random starts; equal seeds draw equal rows.
        count: resamples.

    Returns:
        `[count, k]` float64.
    """
    n = len(columns)
    sums = np.cumsum(
        np.concatenate([np.zeros((1, columns.shape[1])), columns, columns[:block]]), axis=0
    )
    blocks = (sums[block:] - sums[:-block])[:n]
    needed = math.ceil(n / block)
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n, (count, needed))
    means: Float64 = np.stack([blocks[row].sum(axis=0) for row in starts]) / (needed * block)
    return means


def interval(samples: Float64, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of bootstrap samples."""
    tail = (1 - level) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return float(low), float(high)
