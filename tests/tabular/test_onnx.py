"""Estimators as ONNX files say what scikit-learn says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import (
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

DRAW = np.random.default_rng(3)
WINDOWS = DRAW.normal(size=(600, 4)).astype(np.float32)
VALUE = WINDOWS[:, 0] ** 2 + DRAW.normal(0, 0.1, 600)
CLASSES = {2: (VALUE > 0.5).astype(int), 3: np.digitize(VALUE, [0.3, 1.0])}


def answers(content: bytes, windows: np.ndarray) -> np.ndarray:
    from atb.export.session import opened
    from atb.registry import onnx_file

    onnx_file.require_plain(content, "here")
    (said,) = opened(content).run(["answer"], {"windows": windows})
    return said


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge().fit(WINDOWS, VALUE),
        ExtraTreesRegressor(5, random_state=0).fit(WINDOWS, np.eye(3)[CLASSES[3]]),
        HistGradientBoostingRegressor(max_iter=20).fit(WINDOWS, VALUE),
        *(LogisticRegression().fit(WINDOWS, CLASSES[count]) for count in (2, 3)),
        *(HistGradientBoostingClassifier(max_iter=9).fit(WINDOWS, CLASSES[n]) for n in (2, 3)),
    ],
    ids=lambda one: f"{type(one).__name__}",
)
def test_raw_scores_are_those_of_scikit_learn(estimator: Any) -> None:
    from atb.tabular.onnx import converted

    ask = getattr(estimator, "decision_function", estimator.predict)
    expected = np.asarray(ask(WINDOWS)).reshape(len(WINDOWS), -1)
    said = answers(converted(estimator, 4), WINDOWS)
    np.testing.assert_allclose(said, expected, rtol=1e-5, atol=2e-6)


def test_a_window_just_at_a_threshold_goes_the_same_way() -> None:
    """Windows on a grid of float32: many thresholds lie between neighbours, halfway."""
    from atb.tabular.onnx import converted

    grid = np.float32(1) + np.arange(64, dtype=np.float32)[:, np.newaxis] * np.float32(2**-23)
    value = np.sin(np.arange(64) * 2.0)
    trees = HistGradientBoostingRegressor(max_iter=5, min_samples_leaf=1).fit(grid, value)
    said = answers(converted(trees, 1), grid)[:, 0]
    np.testing.assert_allclose(said, trees.predict(grid), atol=1e-6)


@given(st.floats(-(2.0**99), 2.0**99), st.floats(-(2.0**99), 2.0**99, width=32))
def test_thresholds_divide_float32_as_they_were(threshold: float, number: float) -> None:
    from atb.tabular.onnx import below

    (kept,) = below(np.array([threshold]))
    assert (np.float32(number) <= kept) == (number <= threshold)
    assert float(kept) <= threshold < float(np.nextafter(kept, np.float32(np.inf)))


def test_probabilities_can_be_asked_for() -> None:
    from sklearn.mixture import GaussianMixture

    from atb.tabular.onnx import converted

    mixture = GaussianMixture(2, random_state=0).fit(WINDOWS.astype(np.float64))
    said = answers(converted(mixture, 4, "predict_proba"), WINDOWS)
    np.testing.assert_allclose(said, mixture.predict_proba(WINDOWS), atol=1e-4)


def test_trees_too_large_to_be_served_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    from atb.errors import ResourceError
    from atb.export import graft
    from atb.tabular.onnx import converted

    monkeypatch.setattr(graft, "MOST_NODES", 100)
    trees = ExtraTreesRegressor(5, random_state=0).fit(WINDOWS, VALUE)
    with pytest.raises(ResourceError, match=r"the trees have \d,\d+ nodes, .* room for 100"):
        converted(trees, 4)
