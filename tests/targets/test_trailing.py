"""Sums of windows against plain ones; volatility by hand, backwards only and never over a gap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.targets.trailing import volatility, window_sums


@settings(deadline=None)
@given(st.lists(st.integers(-1000, 1000), max_size=70), st.integers(1, 40))
def test_sums_are_those_of_each_window(values, width):
    found = window_sums(np.array(values, float), width)
    plain = [sum(values[i : i + width]) for i in range(len(values) - width + 1)]
    assert found.tolist() == plain


def test_a_small_value_after_a_large_one_is_not_lost():
    values = np.array([1e16, 1.0, 1.0, 1.0])
    assert window_sums(values, 3)[1] == 3.0
    assert np.diff(np.append(0, values).cumsum()[[1, 4]]) != 3.0  # what a running sum would say


def test_by_hand(make):
    bars = make(np.exp([0.0, 3.0, 7.0, 7.0, 7.0]))
    found = volatility(bars, 2, 0)
    assert np.isnan(found).tolist() == [True, True, False, False, True]  # the last never moved
    assert found[2:4] == pytest.approx(np.sqrt([(9 + 16) / 2, 16 / 2]))


def test_a_gap_starts_it_again(make):
    bars = make([1.0, 2.0, 1.0, 2.0, 1.0], hours=[0, 1, 3, 4, 5])
    assert np.isfinite(volatility(bars, 2, 0)).tolist() == [False, False, False, False, True]
    assert np.isfinite(volatility(bars, 2, 1)).tolist() == [False, False, True, True, True]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(0, 2))
def test_it_is_that_of_a_plain_loop(walk, seed, span, max_gap):
    bars = walk(seed)
    found, segment = volatility(bars, span, max_gap), bars.segments(max_gap)
    for row in range(len(bars)):
        moves = np.diff(np.log(bars.close[max(row - span, 0) : row + 1]))
        if len(moves) < span or segment[row - span] != segment[row] or not moves.any():
            assert np.isnan(found[row])
        else:
            assert found[row] == pytest.approx(np.sqrt(np.mean(moves**2)))
