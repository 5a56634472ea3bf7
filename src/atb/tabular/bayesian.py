"""A line whose coefficients are uncertain, and so are its answers: Bayesian ridge regression.

The strengths of noise and of coefficients are those under which the train windows are likeliest
(MacKay 1992, "Bayesian Interpolation"). Knows flattened windows, no market.
"""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops
from sklearn.linear_model import BayesianRidge

from atb.config.tabular import Bayesian
from atb.tabular.distribution import around, line, normal
from atb.tabular.part import Lesson, Part, PartQuantiles

Float64 = npt.NDArray[np.float64]


def solve(spec: Bayesian, lesson: Lesson) -> Part:
    """Fit to train windows; the answer is the mean of its distribution, which is normal."""
    train = lesson.train
    found = BayesianRidge().fit(train.windows.astype(np.float64), train.actual)

    def raw(windows: keras.KerasTensor) -> keras.KerasTensor:
        return line(windows, found.coef_[:, np.newaxis], np.array([found.intercept_]))

    def quantiles(windows: keras.KerasTensor) -> keras.KerasTensor:
        return normal(raw(windows), _deviation(windows, found), spec.levels)

    return Part(
        estimators={"bayesian": found},
        raw=raw,
        reason=(
            f"Bayesian ridge: noise of {found.alpha_**-0.5:.4g} deviations, coefficients of "
            f"{found.lambda_**-0.5:.4g}, found in {found.n_iter_} steps"
        ),
        parameters=len(found.coef_) + 1,
        quantiles=PartQuantiles(around(spec.levels), spec.levels, quantiles),
    )


def _deviation(windows: keras.KerasTensor, found: BayesianRidge) -> keras.KerasTensor:
    """`[B, 1]` root of the noise's variance and of what the coefficients' adds for a window.

    The latter is x' C x of the centred window x, which is the length of x' R for C = R R'.
    """
    root = _root(found.sigma_)
    spread = line(windows, root, -found.X_offset_ @ root)
    squares = layers.Multiply(dtype="float32")([spread, spread])
    variance = line(squares, np.ones((root.shape[1], 1)), np.array([1 / found.alpha_]))
    return ops.sqrt(variance)


def _root(covariance: Float64) -> Float64:
    """`[P, R]` with R R' the covariance `[P, P]`; directions of no variance are left out."""
    variances, directions = np.linalg.eigh(covariance)
    kept = variances > 0
    root: Float64 = directions[:, kept] * np.sqrt(variances[kept])
    return root
