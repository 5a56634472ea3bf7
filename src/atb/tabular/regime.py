"""Regimes of the market, told apart by a Gaussian mixture, and a line for each.

The answer is the mean of the raw answers, each as likely as its regime (Hamilton 1989; Jacobs
et al. 1991); of classes that is a logarithmic pool of their probabilities (Genest and Zidek 1986).
Knows flattened windows, no market.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline

from atb.config.tabular import Regime
from atb.tabular.basic import line, parameters
from atb.tabular.onnx import estimated
from atb.tabular.part import Lesson, Part

# A window's numbers overlap and resemble each other. Covariances of all of them would be nearly
# singular, so that which regime is likeliest would hang on how float32 rounds.
COMPONENTS = 5
STEPS = 1_000  # of expectation maximisation, at most


def solve(spec: Regime, lesson: Lesson) -> Part:
    """Fit regimes to train windows, then a line to each, every window counting as it belongs."""
    train = lesson.train
    regimes = make_pipeline(
        PCA(min(COMPONENTS, train.windows.shape[1]), whiten=True, random_state=lesson.seed),
        GaussianMixture(spec.regimes, max_iter=STEPS, random_state=lesson.seed),
    ).fit(train.windows.astype(np.float64))
    shares = regimes.predict_proba(train.windows.astype(np.float64))
    lines = [line(spec.strength, lesson, share) for share in shares.T]

    def raw(windows: keras.KerasTensor) -> keras.KerasTensor:
        likely = estimated(regimes, windows, "predict_proba")
        weighted = [
            layers.Multiply(dtype="float32")([likely[:, k : k + 1], estimated(one, windows)])
            for k, one in enumerate(lines)
        ]
        return layers.Add(dtype="float32")(weighted)

    said = ", ".join(f"{share:.1%}" for share in shares.mean(axis=0))
    return Part(
        estimators={"regimes": regimes, **{f"line_{k}": one for k, one in enumerate(lines)}},
        raw=raw,
        reason=f"{spec.regimes} regimes with {said} of the train windows, a line for each",
        parameters=_numbers(regimes[-1]) + sum(map(parameters, lines)),
    )


def _numbers(mixture: GaussianMixture) -> int:
    return int(mixture.means_.size + mixture.covariances_.size + mixture.weights_.size)
