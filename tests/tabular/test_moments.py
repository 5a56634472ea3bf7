from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

ENDS = np.arange(10, 310)


@pytest.fixture
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atb.tabular.moments.PIECE", 64)


def unrolled(dataset: Any) -> tuple[np.ndarray, np.ndarray]:
    windows = np.stack([dataset.matrix[e - dataset.window + 1 : e + 1].ravel() for e in ENDS])
    return windows.astype(np.float64), dataset.target[ENDS].astype(np.float64)


def test_windows_are_flattened_row_after_row(dataset: Any) -> None:
    from atb.tabular.moments import flattened

    windows = flattened(dataset, ENDS)
    assert windows.dtype == np.float32
    np.testing.assert_array_equal(windows, unrolled(dataset)[0])


def test_piece_by_piece_they_are_numpys_means_and_covariances(
    dataset: Any, few_at_a_time: None
) -> None:
    from atb.tabular.moments import moments

    found, (x, y) = moments(dataset, ENDS), unrolled(dataset)
    assert found.count == len(ENDS)
    np.testing.assert_allclose(found.windows_mean, x.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.targets_mean, y.mean(axis=0), atol=1e-12)
    covariance = np.cov(x, y, rowvar=False, bias=True)
    np.testing.assert_allclose(found.windows, covariance[:12, :12], atol=1e-12)
    np.testing.assert_allclose(found.both, covariance[:12, 12:], atol=1e-12)
    np.testing.assert_allclose(found.targets, np.diag(covariance)[12:], atol=1e-12)


def test_the_error_is_that_of_the_predictions(dataset: Any) -> None:
    from atb.tabular.moments import moments

    draw, (x, y) = np.random.default_rng(0), unrolled(dataset)
    slope, intercept = draw.normal(size=(12, 2)), draw.normal(size=2)
    expected = np.mean((y - x @ slope - intercept) ** 2, axis=0)
    np.testing.assert_allclose(moments(dataset, ENDS).error(slope, intercept), expected)


def test_condensed_they_are_few_and_have_the_same_covariances(dataset: Any) -> None:
    from atb.tabular.moments import moments

    found = moments(dataset, ENDS)
    windows, targets = found.condensed()
    assert windows.shape == (12, 12) and targets.shape == (12, 2)
    np.testing.assert_allclose(windows.T @ windows / 12, found.windows, atol=1e-12)
    np.testing.assert_allclose(windows.T @ targets / 12, found.both, atol=1e-12)


def test_directions_that_hardly_vary_are_left_out(dataset: Any) -> None:
    """Two columns that are the same but for rounding make one direction, not two."""
    from atb.tabular.moments import moments

    twin = dataset.matrix[:, 0] * np.float32(1 + 1e-6)
    dataset.matrix[:, 1] = twin
    windows, _ = moments(dataset, ENDS).condensed()
    assert windows.shape == (8, 12)
