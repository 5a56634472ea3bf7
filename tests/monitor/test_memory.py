"""Effective rows of runs whose dependence is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.monitor import memory


def below(series: np.ndarray) -> np.ndarray:
    return series[:, np.newaxis] <= np.quantile(series, [0.25, 0.5, 0.75])


def autoregressive(rows: int, rho: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=rows + 500)
    series = np.zeros(rows + 500)
    for i in range(1, len(series)):
        series[i] = rho * series[i - 1] + noise[i]
    return series[500:]


def test_independent_rows_count_in_full():
    found = memory.inflation(below(autoregressive(20_000, 0.0)))
    assert len(found) == 12  # batches of 2048 rows are the last of which there are eight
    assert found[0] == 1.0 and found[:6] == pytest.approx(1, abs=0.1)
    assert memory.effective(500, found) == pytest.approx(500, rel=0.3)


def test_rows_that_repeat_count_once():
    found = memory.inflation(below(np.repeat(autoregressive(5_000, 0.0), 4)))
    assert found[:3] == pytest.approx([1, 2, 4], abs=0.15)
    assert memory.effective(4000, found) == pytest.approx(1000, rel=0.4)


def test_medians_of_a_gaussian_process_are_as_dependent_as_theory_says():
    """Of signs, correlation at lag k is `2 / pi * arcsin(rho^k)`; they add up to the inflation."""
    rho, lags = 0.8, np.arange(1, 200)
    expected = 1 + 2 * np.sum(2 / np.pi * np.arcsin(rho**lags))
    series = autoregressive(60_000, rho)
    found = memory.inflation((series <= 0)[:, np.newaxis])
    assert found[7] == pytest.approx(expected, rel=0.15)  # batches of 128


def test_batches_are_part_of_the_whole_they_are_compared_with():
    """Pairs have means 1, 0, 1, 0, ...: twice the variance of two draws, of 14 rows in 16."""
    pairs = np.tile([True, True, False, False], 4)[:, np.newaxis]
    assert memory.inflation(pairs) == pytest.approx([1, 2 * 16 / 14])


def test_what_never_varies_is_counted_in_full():
    assert memory.inflation(np.ones((100, 3), bool)).tolist() == [1.0]
    assert memory.effective(7, np.ones(1)) == 7.0


def test_longer_runs_are_extrapolated():
    growing = 2.0 ** np.arange(6)  # as rows that all repeat one draw
    assert memory.effective(10_000, growing) == pytest.approx(1.0)
    level = np.array([1.0, 2, 3, 3, 3, 3])
    assert memory.effective(3_000, level) == pytest.approx(1_000)


@given(st.integers(1, 100_000), st.lists(st.floats(1, 50), min_size=1, max_size=12))
def test_draws_are_never_more_than_rows(rows, found):
    draws = memory.effective(rows, np.maximum.accumulate(found))
    assert 1 <= draws <= rows * (1 + 1e-9)
