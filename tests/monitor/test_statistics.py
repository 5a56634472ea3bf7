"""Distances between counts, beside scipy's and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.monitor import statistics

shares = st.lists(st.integers(0, 500), min_size=2, max_size=20).filter(sum)


def test_the_stability_index_by_hand():
    found = statistics.stability_index(np.array([0.5e9, 0.5e9]), np.array([0.3e9, 0.7e9]))
    assert found == pytest.approx(-0.2 * np.log(0.6) + 0.2 * np.log(1.4), rel=1e-6)


def test_an_empty_group_leaves_a_finite_index():
    found = statistics.stability_index(np.array([100.0, 0.0]), np.array([0.0, 100.0]))
    assert found == pytest.approx(2 * (100 / 101) * np.log(201))


@given(shares, st.integers(1, 5))
def test_what_is_alike_has_no_distance(counts, times):
    one = np.array(counts, float)
    assert statistics.distance(one, one * times) == pytest.approx(0, abs=1e-12)
    assert statistics.stability_index(one, one) == 0.0


@given(shares, shares)
def test_distances_are_symmetric_and_bounded(first, second):
    size = min(len(first), len(second))
    one, other = np.array(first[:size], float), np.array(second[:size], float)
    if not one.sum() or not other.sum():
        return
    far = statistics.distance(one, other)
    assert 0 <= far <= 1 + 1e-12
    assert far == pytest.approx(statistics.distance(other, one))
    assert statistics.stability_index(one, other) >= -1e-12


def test_the_distance_by_hand():
    assert statistics.distance(np.array([1.0, 1, 2]), np.array([2.0, 0, 0])) == 0.75


@pytest.mark.parametrize("statistic", [0.02, 0.05, 0.1, 0.2, 0.5])
@pytest.mark.parametrize("rows", [50, 400])
def test_p_values_are_kolmogorovs(statistic, rows):
    from scipy.special import kolmogorov

    root = np.sqrt(rows * 1000 / (rows + 1000))
    expected = kolmogorov((root + 0.12 + 0.11 / root) * statistic)
    assert statistics.p_value(statistic, rows, 1000) == pytest.approx(expected, abs=1e-12)


def test_p_values_are_near_the_exact_ones_of_small_samples():
    from scipy.stats import kstwo

    for statistic in (0.2, 0.3, 0.4):
        ours = statistics.p_value(statistic, 20, 1e12)
        assert ours == pytest.approx(kstwo.sf(statistic, 20), rel=0.08)


def test_holm_by_hand():
    found = statistics.adjusted(np.array([0.04, 0.01, 0.6, 0.012]))
    assert found == pytest.approx([0.08, 0.04, 0.6, 0.04])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_corrected_p_values_keep_their_order(values):
    p_values = np.array(values)
    found = statistics.adjusted(p_values)
    assert (found >= p_values).all() and (found <= 1).all()
    assert (found <= np.minimum(p_values * len(p_values), 1) + 1e-12).all() or len(values) > 1
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
