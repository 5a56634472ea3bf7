"""Bayesian ridge regression: its graph says what scikit-learn says, and its intervals hold."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from atb.config.tabular import Bayesian
from atb.tabular import bayesian
from atb.tabular.part import Lesson, Sample

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def lesson(rows: int, seed: int = 1) -> Lesson:
    """A line with normal noise of two deviations."""
    random = np.random.default_rng(seed)

    def sample() -> Sample:
        windows = random.normal(3, 1, (rows, 4)).astype(np.float32)
        actual = windows @ [1.0, -1.0, 0.5, 0.0] + 2 * random.standard_normal(rows)
        ends = np.arange(rows)
        return Sample(windows, actual, ends, ends + 1)

    return Lesson(sample(), sample(), classes=1, embargo=0, seed=seed)


def graph(make: Any, width: int) -> keras.Model:
    source = keras.Input((width,))
    return keras.Model(source, make(source))


def test_mean_and_deviation_are_those_of_scikit_learn() -> None:
    given = lesson(40)
    part = bayesian.solve(Bayesian(levels=(0.05,)), given)
    assert part.quantiles is not None
    windows = given.validation.windows
    mean, deviation = part.estimators["bayesian"].predict(windows, return_std=True)
    raw = np.asarray(graph(part.raw, 4)(windows))
    said = np.asarray(graph(part.quantiles.of, 4)(windows))
    assert raw[:, 0] == pytest.approx(mean, abs=1e-5)
    assert said[:, 1] == pytest.approx(mean, abs=1e-5)
    assert (said[:, 2] - said[:, 0]) / 2 / 1.6448536 == pytest.approx(deviation, abs=1e-5)
    assert np.ptp(deviation) > 0.01  # of few windows, the coefficients' uncertainty is seen


def test_intervals_hold_what_they_promise() -> None:
    given = lesson(4000)
    part = bayesian.solve(Bayesian(levels=(0.025, 0.05)), given)
    assert part.quantiles is not None
    assert part.quantiles.levels == (0.025, 0.05, 0.5, 0.95, 0.975)
    said = np.asarray(graph(part.quantiles.of, 4)(given.validation.windows))
    shares = (given.validation.actual[:, np.newaxis] < said[:, :5]).mean(axis=0)
    assert shares == pytest.approx(part.quantiles.levels, abs=0.015)
    assert (np.diff(said[:, :5]) >= 0).all()
