"""Student's t distribution against scipy's."""

from __future__ import annotations

from statistics import NormalDist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from atb import student


@given(st.floats(-50, 50), st.integers(1, 300))
@settings(max_examples=200, deadline=None)
def test_students_distribution_is_scipys(value, freedom):
    expected = stats.t.cdf(value, freedom)  # which is 0.5 for values up to 1e-8, and ours is not
    assert student.below(value, freedom) == pytest.approx(expected, abs=1e-8)


def test_students_distribution_of_many_degrees_is_normal():
    assert student.below(-1.96, 100_000) == pytest.approx(NormalDist().cdf(-1.96), abs=1e-5)


@given(st.floats(0.001, 0.999), st.integers(1, 300))
@settings(max_examples=100, deadline=None)
def test_quantiles_are_scipys(probability, freedom):
    expected = stats.t.ppf(probability, freedom)
    assert student.quantile(probability, freedom) == pytest.approx(expected, abs=1e-7, rel=1e-7)
