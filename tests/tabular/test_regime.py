"""Regimes with a line each: what belongs to one is answered by its line."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from atb.config.tabular import Regime
from atb.tabular import regime
from atb.tabular.part import Lesson, Sample

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def lesson(classes: int) -> Lesson:
    """Two regimes far apart; in one the first column is the answer, in the other minus it."""
    random = np.random.default_rng(3)

    def sample() -> Sample:
        side = random.choice([-1, 1], 600)
        windows = random.normal(size=(600, 3)).astype(np.float32)
        windows[:, 2] += 8 * side
        actual = side * windows[:, 0].astype(np.float64)
        if classes > 1:
            actual = np.digitize(actual, np.linspace(-0.5, 0.5, classes - 1)).astype(np.float64)
        ends = np.arange(600)
        return Sample(windows, actual, ends, ends + 1)

    return Lesson(sample(), sample(), classes, embargo=0, seed=2)


def said(part: Any, windows: Any) -> Any:
    source = keras.Input((3,))
    return np.asarray(keras.Model(source, part.raw(source))(windows), np.float64)


def test_each_regime_has_its_line() -> None:
    given = lesson(classes=1)
    part = regime.solve(Regime(regimes=2, strength=1e-4), given)
    answer = said(part, given.validation.windows)
    assert answer.shape == (600, 1)
    assert answer[:, 0] == pytest.approx(given.validation.actual, abs=0.01)
    assert "2 regimes with" in part.reason
    # two means, covariances and shares of three components, two lines of three
    assert part.parameters == 2 * (3 + 9 + 1) + 2 * 4


@pytest.mark.parametrize(("classes", "width"), [(2, 1), (3, 3)])
def test_classes_have_logits(classes: int, width: int) -> None:
    given = lesson(classes)
    part = regime.solve(Regime(regimes=2, strength=1e-2), given)
    answer = said(part, given.validation.windows)
    assert answer.shape == (600, width)
    chosen = answer.argmax(axis=1) if width > 1 else answer[:, 0] > 0
    assert (chosen == given.validation.actual).mean() > 0.95
