"""Resamples against a plain loop, intervals against theory and against simulated truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from atb.bootstrap import RESAMPLES, block_length, interval, resampled_falls, resampled_means


def drawn(rows, block, seed, resample):
    """Rows of one resample by a plain loop."""
    blocks = math.ceil(rows / block)
    starts = np.random.default_rng(seed).integers(0, rows, (RESAMPLES, blocks), dtype=np.int32)
    lengths = [rows - (blocks - 1) * block] + [block] * (blocks - 1)
    return [
        (start + step) % rows
        for start, length in zip(starts[resample], lengths, strict=True)
        for step in range(length)
    ]


@given(st.integers(1, 80), st.integers(1, 80), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_resamples_are_those_of_a_plain_loop(rows, block, seed):
    block = min(block, rows)
    columns = np.random.default_rng(seed).normal(size=(rows, 3))
    found, falls = (
        resampled_means(columns, block, seed),
        resampled_falls(columns[:, 0], block, seed),
    )
    assert found.shape == (RESAMPLES, 3)
    for resample in (0, 1, RESAMPLES - 1):
        chosen = drawn(rows, block, seed, resample)
        assert len(chosen) == rows
        assert found[resample] == pytest.approx(columns[chosen].mean(axis=0), abs=1e-12)
        path = np.append(0.0, columns[chosen, 0].cumsum())
        deepest = (np.maximum.accumulate(path) - path).max()
        assert falls[resample] == pytest.approx(deepest, abs=1e-10)


def test_equal_seeds_draw_equal_rows_and_others_do_not():
    columns = np.arange(100.0)[:, None]
    first, again, other = (resampled_means(columns, 5, seed) for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_a_whole_circle_has_one_mean():
    columns = np.random.default_rng(0).normal(size=(50, 1))
    assert np.ptp(resampled_means(columns, 50, 0)) < 1e-12


def test_independent_rows_give_the_interval_of_the_closed_form():
    values = np.random.default_rng(3).normal(2.0, 3.0, 2000)
    low, high = interval(resampled_means(values[:, None], 1, seed=1)[:, 0], 2000)
    half = 1.96 * values.std() / math.sqrt(2000)
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def autoregressive(seed: int, rows: int, memory: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=rows + 100)
    values = np.zeros(rows + 100)
    for row in range(1, rows + 100):
        values[row] = memory * values[row - 1] + noise[row]
    return values[100:]


@pytest.mark.parametrize("memory", [0.0, 0.5])
def test_the_true_mean_is_inside_about_95_times_of_100(memory):
    tries, rows = 200, 1000
    inside = single = 0
    for seed in range(tries):
        values = autoregressive(seed, rows, memory)[:, None]
        block = block_length(rows, 1)
        low, high = interval(resampled_means(values, block, seed)[:, 0], rows / block)
        inside += low <= 0 <= high
        low, high = interval(resampled_means(values, 1, seed)[:, 0], rows)
        single += low <= 0 <= high
    assert 0.90 <= inside / tries <= 0.99
    if memory:  # blocks are what keeps the promise: single rows forget the dependence
        assert single / tries < 0.85


def overlapping(seed: int, rows: int, horizon: int) -> np.ndarray:
    """Sums over so many rows each, whose true mean is zero."""
    noise = np.random.default_rng(seed).normal(size=rows + horizon - 1)
    return np.convolve(noise, np.ones(horizon), "valid")[:, None]


def test_overlapping_labels_are_covered_by_longer_blocks():
    tries, rows, horizon = 200, 2000, 24
    inside = 0
    for seed in range(tries):
        values, block = overlapping(seed, rows, horizon), block_length(rows, horizon)
        low, high = interval(resampled_means(values, block, seed), rows / block)
        inside += low <= 0 <= high
    assert inside / tries >= 0.9


def test_five_blocks_of_overlapping_labels_cover_where_percentiles_of_ten_do_not():
    tries, rows, horizon = 400, 300, 24
    block = block_length(rows, horizon)
    inside = percentile = 0
    for seed in range(tries):
        values = overlapping(seed, rows, horizon)
        low, high = interval(resampled_means(values, block, seed), rows / block)
        inside += low <= 0 <= high
        low, high = np.quantile(resampled_means(values, rows // 10, seed), [0.025, 0.975])
        percentile += low <= 0 <= high
    assert 0.92 <= inside / tries <= 0.98
    assert percentile / tries < 0.9


@pytest.mark.parametrize("draws", [2.0, 5.0, 10.7, 33.3])
def test_few_draws_expand_the_percentiles_as_students_distribution_does(draws):
    samples = np.random.default_rng(0).normal(size=200_000)
    edge = stats.t.ppf(0.975, math.floor(draws) - 1) * math.sqrt(draws / (draws - 1))
    tail = stats.norm.cdf(-edge)
    expected = np.quantile(samples, [tail, 1 - tail])
    assert interval(samples, draws) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("draws", [200.5, 1000.0, 50_000.0])
def test_hundreds_of_draws_give_the_percentile_interval(draws):
    samples = np.random.default_rng(0).normal(size=200_000)
    low, high = np.quantile(samples, [0.025, 0.975])
    assert interval(samples, draws) == pytest.approx((low, high), rel=0.01)


def test_less_than_two_draws_are_as_wide_as_the_resamples():
    assert interval(np.arange(11.0), 1.0) == interval(np.arange(11.0), 2.0) == (0.0, 10.0)


@pytest.mark.parametrize(
    ("rows", "horizon", "expected"),
    [(1000, 1, 10), (1001, 1, 11), (1000, 24, 72), (64, 100, 12), (8, 1, 1), (10**6, 1, 100)],
)
def test_block_length(rows, horizon, expected):
    assert block_length(rows, horizon) == expected


def test_undefined_samples_are_left_out():
    assert interval(np.array([np.nan, 1.0, 1.0]), 2) == (1.0, 1.0)
