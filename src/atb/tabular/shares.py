"""Shares of an ensemble's members with the smallest loss of their weighted mean.

Shares are never negative and add up to one, so that a mean of probabilities is one, and a member
that helps nobody gets nothing. Both losses are convex in the shares. Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Loss = Callable[[Float64], tuple[float, Float64]]  # shares [M] to the loss and its gradient [M]

STEPS = 10_000
ENOUGH = 1e-9  # no other shares have a loss that is lower by more


def of_quantities(errors: Float64) -> Float64:
    """Shares `[M]` with the smallest mean squared error (Bates and Granger 1969).

    Args:
        errors: `[M, N]` of each member.
    """
    products = errors @ errors.T / errors.shape[1]

    def loss(shares: Float64) -> tuple[float, Float64]:
        half = products @ shares
        return float(shares @ half), 2 * half

    return best(loss, len(errors))


def of_classes(hits: Float64) -> Float64:
    """Shares `[M]` with the smallest cross-entropy of the mean probabilities.

    Args:
        hits: `[M, N]` probability that each member gave to the class that came true.
    """
    given = np.maximum(hits, 1e-12)

    def loss(shares: Float64) -> tuple[float, Float64]:
        mean = shares @ given
        return float(-np.log(mean).mean()), -(given / mean).mean(axis=1)

    return best(loss, len(given))


def best(loss: Loss, members: int) -> Float64:
    """Shares `[M]` with the smallest convex loss, by exponentiated gradient descent.

    After Kivinen and Warmuth 1997. A step that would raise the loss is halved, the next is longer.
    It ends when the gap `shares . gradient - min(gradient)`, which bounds what is left to gain, is
    below `ENOUGH`.
    """
    shares = np.full(members, 1 / members)
    value, gradient = loss(shares)
    length = 1.0
    for _ in range(STEPS):
        lead = gradient - gradient.min()
        if shares @ lead < ENOUGH:
            break
        moved = shares * np.exp(-length * lead)
        moved /= moved.sum()
        there, slope = loss(moved)
        if there > value:
            length /= 2
            continue
        shares, value, gradient = moved, there, slope
        length *= 1.5
    return shares
