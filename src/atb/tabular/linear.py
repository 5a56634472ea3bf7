"""Straight lines from flattened windows to several horizons: least squares, ridge, lasso.

scikit-learn finds the coefficients; they become the weights of the network of that name, so that a
line is exported, served and compared like any other model. Knows moments of windows, no market.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import skops.io
from sklearn.linear_model import Lasso, LinearRegression, Ridge
from threadpoolctl import threadpool_limits

from atb.config.book_architectures import Linear
from atb.config.targets import Target
from atb.dataset.build import Dataset
from atb.dataset.learner import Epoch, Fitted
from atb.errors import ConfigError
from atb.models.build import network
from atb.tabular.moments import PIECE, Moments, flattened, in_pieces, moments

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

STEPS = 10_000  # of coordinate descent, at most

# From a penalty's strength and the number of windows, which scikit-learn's ridge adds up over and
# its lasso takes the mean over. A strength here is always beside a mean over windows.
ESTIMATORS: Mapping[str, Callable[[float, int], Any]] = {
    "none": lambda _strength, _windows: LinearRegression(),
    "ridge": lambda strength, windows: Ridge(alpha=strength * windows),
    "lasso": lambda strength, _windows: Lasso(alpha=strength, max_iter=STEPS),
}


@dataclass(frozen=True)
class LinearLearner:
    """Learns by least squares; see `atb.dataset.learner.Learner`.

    Attributes:
        spec: the penalty and its strengths.
        target: what is predicted.
    """

    spec: Linear
    target: Target

    def fit(self, dataset: Dataset) -> Fitted:
        """Solve on train windows, choose the strength on validation windows.

        Raises:
            ConfigError: when the target is one of classes.
        """
        return fit_all({"": self.spec}, dataset, self.target)[""]


def fit_all(specs: Mapping[str, Linear], dataset: Dataset, target: Target) -> dict[str, Fitted]:
    """Fit several lines to one dataset side by side, by name.

    The windows are read once for all of them. Scikit-learn's estimator goes into the model's folder
    as `model.skops`; it takes flattened scaled windows `[M, window * F]` and gives what is fitted,
    `[M, K]`.

    Raises:
        ConfigError: when the target is one of classes.
    """
    if target.classes > 1:
        raise ConfigError(
            f"architecture 'linear' predicts quantities, {target.kind!r} has classes",
            where="target.kind",
            remedy="take a target such as mid_change or return, or another architecture",
        )
    started = time.perf_counter()
    train, validation = (
        moments(dataset, ends) for ends in (dataset.split.train, dataset.split.validation)
    )
    windows, targets = train.condensed()
    seconds = time.perf_counter() - started
    # Each line has a thread of its own; more of them inside each would only get in the way.
    with threadpool_limits(1), ThreadPoolExecutor(len(specs)) as pool:
        solve = partial(_solved, windows=windows, targets=targets, train=train, choose=validation)
        lines = dict(zip(specs, pool.map(solve, specs.values()), strict=True))
    return {
        name: _fitted(specs[name], line, dataset, target, seconds) for name, line in lines.items()
    }


@dataclass(frozen=True)
class _Line:
    """A solved line.

    Attributes:
        estimator: scikit-learn's, as if fitted to all windows.
        coefficients: `[P, K]`.
        intercept: `[K]`.
        errors: mean squared error on train and on validation windows, mean over horizons.
        reason: how it was found, for people.
        seconds: that it took.
    """

    estimator: Any
    coefficients: Float64
    intercept: Float64
    errors: tuple[float, float]
    reason: str
    seconds: float


def _solved(
    spec: Linear, *, windows: Float64, targets: Float64, train: Moments, choose: Moments
) -> _Line:
    """The line whose strength has the smallest error on the windows to choose on."""
    started = time.perf_counter()
    make = ESTIMATORS[spec.penalty]

    def coefficients(strength: float) -> Float64:
        estimator = make(strength, len(windows)).set_params(fit_intercept=False)
        found: Float64 = estimator.fit(windows, targets).coef_.reshape(-1, windows.shape[1]).T
        return found

    def intercept(slope: Float64) -> Float64:
        return train.targets_mean - train.windows_mean @ slope

    def error(strength: float, of: Moments) -> float:
        return float(of.error(slopes[strength], intercept(slopes[strength])).mean())

    slopes = {strength: coefficients(strength) for strength in spec.strengths or (0.0,)}
    best = min(slopes, key=lambda strength: error(strength, choose))
    estimator = make(best, train.count)
    estimator.coef_, estimator.intercept_ = slopes[best].T, intercept(slopes[best])
    estimator.n_features_in_ = windows.shape[1]
    return _Line(
        estimator,
        slopes[best],
        estimator.intercept_,
        (error(best, train), error(best, choose)),
        _reason(spec, best, train.count),
        time.perf_counter() - started,
    )


def _reason(spec: Linear, best: float, windows: int) -> str:
    if not spec.strengths:
        return f"least squares, solved on {windows:,} windows"
    tried = ", ".join(f"{strength:g}" for strength in spec.strengths)
    return f"{spec.penalty} strength {best:g} has the smallest validation loss of {tried}"


def _fitted(spec: Linear, line: _Line, dataset: Dataset, target: Target, seconds: float) -> Fitted:
    model = network(spec, target, (dataset.window, dataset.matrix.shape[1]))
    model.layers[-1].set_weights([line.coefficients, line.intercept])
    kernel, bias = (weight.astype(np.float64) for weight in model.layers[-1].get_weights())

    def predict(ends: Int64) -> Float64:
        pieces = [flattened(dataset, piece) @ kernel + bias for piece in in_pieces(ends)]
        return np.concatenate(pieces)

    def write(path: Path) -> None:
        skops.io.dump(line.estimator, path)

    loss, validation_loss = line.errors
    return Fitted(
        model=model,
        predict=predict,
        history=(Epoch(1, loss, validation_loss, 0.0, seconds + line.seconds, True, {}),),
        best_epoch=1,
        reason=line.reason,
        parameters=int(model.count_params()),
        means={
            "precision": "float64",
            "precision_reason": "least squares are solved on the CPU",
            "devices": 1,
            "batch": PIECE,
            "accumulation": 1,
        },
        files={"model.skops": write},
    )
