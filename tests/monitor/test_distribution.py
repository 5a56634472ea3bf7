"""A column's quantiles and counts: by hand, beside scipy, and for awkward columns."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.monitor import statistics
from atb.monitor.distribution import BINS, Distribution, counted

finite = st.floats(-1e6, 1e6, width=32)


def test_bins_hold_equal_shares_and_none_beyond_the_ends():
    found = Distribution.of("x", np.arange(1000.0))
    assert len(found.edges) == BINS + 1 and found.rows == 1000
    assert found.counts.tolist() == [0, *[20] * BINS, 0]
    assert found.grouped(found.counts).tolist() == [0, *[100] * 10, 0]


def test_values_beyond_the_reference_are_in_the_outer_bins():
    found = Distribution.of("x", np.linspace(0, 1, 500))
    counts = counted(found.edges, np.array([-1.0, 0.0, 1.0, 2.0, np.inf, np.nan]))
    assert (counts[0], counts[-1], counts.sum()) == (1, 3, 6)


def test_equal_values_stay_in_one_bin_when_computed_in_another_way():
    values = np.random.default_rng(0).choice([-1.0, 0.0, 1.0], 900, p=[0.2, 0.5, 0.3])
    found = Distribution.of("sign", values)
    assert len(found.edges) == 4  # below, and above each of the three
    for noise in (-1e-6, 1e-6):
        assert counted(found.edges, values + noise).tolist() == found.counts.tolist()


@pytest.mark.parametrize("value", [0.0, -3.5e-7, 42.0, 1e12])
def test_a_constant_is_told_from_any_other_value(value):
    found = Distribution.of("x", np.full(200, value))
    same, other = (counted(found.edges, np.full(50, one)) for one in (value, value + 1 + value))
    assert statistics.distance(found.counts, same) == 0
    assert statistics.distance(found.counts, other) == 1
    groups = found.grouped(found.counts), found.grouped(other)
    assert statistics.stability_index(*groups) > 5
    lower = counted(found.edges, np.full(50, value - 1 - abs(value)))
    assert statistics.distance(found.counts, lower) == 1


@pytest.mark.parametrize("shift", [0.0, 0.1, 1.0])
def test_the_distance_is_scipys_less_a_bin(shift):
    from scipy.stats import ks_2samp

    draw = np.random.default_rng(1)
    reference, later = draw.normal(size=3000), draw.normal(shift, 1.2, 800)
    found = Distribution.of("x", reference)
    ours = statistics.distance(found.counts, counted(found.edges, later))
    theirs = ks_2samp(reference, later).statistic
    assert theirs - 1 / BINS <= ours <= theirs + 1e-3


def test_ranks_of_the_reference_are_even():
    values = np.random.default_rng(2).exponential(size=5000)
    found = Distribution.of("error", values)
    ranks = found.ranks(values)
    assert ranks.mean() == pytest.approx(0.5)
    assert ranks.var() == pytest.approx(found.rank_variance)
    assert found.rank_variance == pytest.approx(1 / 12, rel=0.01)
    assert found.ranks(np.array([-1.0, 1e9])).tolist() == [0.0, 1.0]


@given(st.lists(finite, min_size=1, max_size=200))
def test_every_value_is_counted_once_and_survives_json(values):
    column = np.array(values)
    found = Distribution.of("x", column)
    assert counted(found.edges, column).tolist() == found.counts.tolist()
    assert found.counts[0] == 0 and found.rows == len(values)
    again = Distribution.from_json(json.loads(json.dumps(found.to_json())))
    assert again.edges.tolist() == found.edges.tolist()
    assert again.counts.tolist() == found.counts.tolist()
    assert again.memory == pytest.approx(found.memory, abs=1e-3)


@pytest.mark.parametrize(
    "changed",
    [
        {"edges": [0.0]},
        {"edges": [1.0, 0.0]},
        {"counts": [0, 0, 0]},
        {"counts": [-1, 2, 3]},
        {"memory": []},
        {"memory": [0.5]},
    ],
    ids=str,
)
def test_a_distribution_that_does_not_hold_together_is_refused(changed):
    whole = {"name": "x", "edges": [0.0, 1.0], "counts": [0, 5, 1], "memory": [1.0]}
    Distribution.from_json(whole)
    with pytest.raises(ValueError, match="'x' does not hold together"):
        Distribution.from_json({**whole, **changed})


def test_the_longer_memory_counts_where_it_is_larger_or_reaches_further():
    one = Distribution("x", np.array([0.0]), np.array([1.0, 1]), np.array([1.0, 1.9, 2.0]))
    assert one.remembering(np.array([1.0, 1.5, 1.6, 3.0])).memory.tolist() == [1, 1.9, 2, 3]
    assert one.remembering(np.array([1.0, 2.5])).memory.tolist() == [1, 2.5, 2.5]
