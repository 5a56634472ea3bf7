"""A line from the raw outputs of an ensemble's members to one raw output of each horizon.

Quantities: least squares whose coefficients are never negative (Breiman 1996, "Stacked
Regressions"). Classes: logistic regression (Wolpert 1992, "Stacked Generalization"). Each horizon
has a line of its own. Knows answers and what came true, no model and no rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression, LogisticRegression

from atb.errors import DataError

Float64 = npt.NDArray[np.float64]

STEPS = 1_000  # of the logistic regression's solver, at most


def line(raw: Float64, actual: Float64, classes: int) -> tuple[Float64, Float64]:
    """The kernel and bias of a dense layer over the concatenated raw outputs of M members.

    Args:
        raw: `[N, M, K, L]` to rows that the members had not learned from.
        actual: `[N, K]` standardised values, or indices of classes.
        classes: how many a label can be, 1 for a quantity.

    Returns:
        `[M * K * L, K * L]` and `[K * L]`.

    Raises:
        DataError: when a class came true on none of the rows.
    """
    _, members, horizons, logits = raw.shape
    kernel = np.zeros((members, horizons, logits, horizons, logits))
    bias = np.zeros((horizons, logits))
    for k in range(horizons):
        columns = raw[:, :, k].reshape(len(raw), -1)
        solve = _values if classes == 1 else _classes
        coefficients, bias[k] = solve(columns, actual[:, k], classes)
        by_member = coefficients.reshape(logits, members, logits)
        kernel[:, k, :, k] = by_member.transpose(1, 2, 0)
    return kernel.reshape(-1, horizons * logits), bias.reshape(-1)


def _values(columns: Float64, actual: Float64, _classes: int) -> tuple[Float64, Float64]:
    """Coefficients `[1, M]` and intercept `[1]` of a quantity."""
    found = LinearRegression(positive=True).fit(columns, actual)
    return found.coef_[np.newaxis], np.array([found.intercept_])


def _classes(columns: Float64, actual: Float64, classes: int) -> tuple[Float64, Float64]:
    """Coefficients and intercepts of logits: of the rise alone, or of each of three classes."""
    absent = set(range(classes)) - set(actual.astype(int).tolist())
    if absent:
        raise DataError(
            f"class {min(absent)} came true on none of the {len(actual):,} rows that members had "
            "not learned from",
            where="model.rule",
            remedy="give more data, another threshold, or let the members vote",
        )
    found = LogisticRegression(max_iter=STEPS).fit(columns, actual.astype(int))
    return found.coef_, found.intercept_
