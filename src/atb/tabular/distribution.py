"""Quantiles and the means beyond them as Keras tensors, from a few columns that tell them.

Each function gives `[B, Q + S]` as `atb.dataset.learner.Quantiles` says. Knows no estimator.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

Float64 = npt.NDArray[np.float64]

MIDDLE = 0.5


def around(tails: Sequence[float]) -> tuple[float, ...]:
    """Levels: the tails, the middle and the same shares from the upper end, rising.

    >>> around((0.01, 0.05))
    (0.01, 0.05, 0.5, 0.95, 0.99)
    """
    return (*tails, MIDDLE, *(round(1 - level, 12) for level in reversed(tails)))


def line(
    given: keras.KerasTensor, kernel: Float64, bias: Float64 | None = None
) -> keras.KerasTensor:
    """`given` `[B, P]` times `kernel` `[P, L]`, plus `bias` `[L]`, in float32."""
    dense = layers.Dense(kernel.shape[1], use_bias=bias is not None, dtype="float32")
    answer = dense(given)
    dense.set_weights([kernel] if bias is None else [kernel, bias])
    return answer


def normal(
    mean: keras.KerasTensor, deviation: keras.KerasTensor, tails: Sequence[float]
) -> keras.KerasTensor:
    """Of normal distributions with these means and standard deviations `[B, 1]`.

    The mean below the quantile z of a share p is mean - deviation * pdf(z) / p.
    """
    standard = NormalDist()
    edges = [standard.inv_cdf(level) for level in around(tails)]
    beyond = [-standard.pdf(standard.inv_cdf(level)) / level for level in tails]
    factors = np.asarray([*edges, *beyond])
    kernel = np.stack([np.ones_like(factors), factors])
    return line(layers.Concatenate(dtype="float32")([mean, deviation]), kernel)


def stretched(
    quantiles: Sequence[keras.KerasTensor], factors: Sequence[float]
) -> list[keras.KerasTensor]:
    """Columns `[B, 1]` of an odd number of levels, each so many times as far from the middle."""
    kernel = np.diag(np.asarray(factors, np.float64))
    kernel[len(factors) // 2] += 1 - np.asarray(factors)
    moved = line(layers.Concatenate(dtype="float32")(list(quantiles)), kernel)
    return [moved[:, k : k + 1] for k in range(len(factors))]


def rising(quantiles: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    """Columns `[B, 1]` of an odd number of levels as `[B, Q]`, none below the one before.

    A quantile beyond its neighbour on the way to the middle becomes that neighbour.
    """
    middle = len(quantiles) // 2
    lower, upper = [quantiles[middle]], [quantiles[middle]]
    for below, above in zip(reversed(quantiles[:middle]), quantiles[middle + 1 :], strict=True):
        lower.append(layers.Minimum(dtype="float32")([below, lower[-1]]))
        upper.append(layers.Maximum(dtype="float32")([above, upper[-1]]))
    return layers.Concatenate(dtype="float32")([*reversed(lower), *upper[1:]])


def with_means_beyond(quantiles: keras.KerasTensor, depths: Sequence[float]) -> keras.KerasTensor:
    """Quantiles `[B, Q]`, then the means beyond the first S of them.

    Args:
        quantiles: of an odd number of levels.
        depths: S numbers of at least 1: how far the mean beyond a quantile is from the middle, in
            distances of the quantile from there.
    """
    width, count = quantiles.shape[-1], len(depths)
    kernel = np.hstack([np.eye(width), np.zeros((width, count))])
    kernel[range(count), range(width, width + count)] = depths
    kernel[width // 2, width:] = 1 - np.asarray(depths)
    return line(quantiles, kernel)
