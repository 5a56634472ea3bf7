"""Means and covariances of windows and targets: all that least squares need to know of them.

They are added up piece by piece, so memory does not grow with the number of windows. Knows rows of
numbers, no estimator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.dataset.build import Dataset

Float32 = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

PIECE = 4096  # windows that exist at a time
# Of the variance of the direction that varies most. Weights along a direction that varies less
# would be so large that float32, in which a model is served, could not add them up.
LEAST_VARIANCE = 1e-7


@dataclass(frozen=True)
class Moments:
    """Of M windows, flattened to P numbers each, and their K targets.

    Attributes:
        count: M.
        windows_mean: `[P]`.
        targets_mean: `[K]`.
        windows: `[P, P]` covariances.
        both: `[P, K]` covariances of windows and targets.
        targets: `[K]` variances.
    """

    count: int
    windows_mean: Float64
    targets_mean: Float64
    windows: Float64
    both: Float64
    targets: Float64

    def error(self, coefficients: Float64, intercept: Float64) -> Float64:
        """Mean squared error `[K]` of `windows @ coefficients + intercept`, `[P, K]` and `[K]`."""
        bias = self.targets_mean - self.windows_mean @ coefficients - intercept
        explained = 2 * self.both - self.windows @ coefficients
        left: Float64 = self.targets - (coefficients * explained).sum(axis=0)
        return left + bias**2

    def condensed(self) -> tuple[Float64, Float64]:
        """R windows `[R, P]` and targets `[R, K]` of mean 0 with the same covariances.

        Whatever minimises a mean squared error, with a penalty or without, finds the same
        coefficients on these R, at most P, as on all M. Directions in which the windows vary by
        less than `LEAST_VARIANCE` are left out.
        """
        variances, directions = np.linalg.eigh(self.windows)
        kept = variances > variances[-1] * LEAST_VARIANCE
        root = np.sqrt(variances[kept] * kept.sum())[:, np.newaxis]
        directions = directions.T[kept]
        return root * directions, directions @ self.both * kept.sum() / root


def flattened(dataset: Dataset, ends: Int64) -> Float32:
    """The scaled windows with these ends, `[M, window * F]`, row after row."""
    rows = ends[:, np.newaxis] + np.arange(1 - dataset.window, 1)
    windows: Float32 = dataset.matrix[rows].reshape(len(ends), -1)
    return windows


def in_pieces(ends: Int64) -> Iterator[Int64]:
    """The ends in order, as many at a time as windows shall exist."""
    for start in range(0, len(ends), PIECE):
        yield ends[start : start + PIECE]


def moments(dataset: Dataset, ends: Int64) -> Moments:
    """Of the windows with these ends, and of what is fitted to them."""
    horizons = dataset.target.shape[1]
    width = dataset.window * dataset.matrix.shape[1]
    total = np.zeros((width + horizons + 1, width + horizons + 1))
    for piece in in_pieces(ends):
        ones = np.ones((len(piece), 1))
        columns = np.hstack([flattened(dataset, piece), dataset.target[piece], ones])
        total += columns.T @ columns
    mean = total[-1, :-1] / len(ends)
    covariance = total[:-1, :-1] / len(ends) - np.outer(mean, mean)
    return Moments(
        count=len(ends),
        windows_mean=mean[:width],
        targets_mean=mean[width:],
        windows=covariance[:width, :width],
        both=covariance[:width, width:],
        targets=np.diag(covariance)[width:].copy(),
    )
