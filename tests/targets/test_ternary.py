"""Down, flat and up by hand, in both units, and against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.targets import TernaryTarget
from atb.targets.build import build
from atb.targets.trailing import volatility


def test_basis_points_by_hand(make):
    bars = make(100 * np.exp(np.cumsum([0.0, 0.0011, -0.0011, 0.0009, -0.0009, 0.0])))
    labels = build(TernaryTarget(threshold=10, unit="basis_points"), bars)
    assert labels.value[:5, 0].tolist() == [2, 0, 1, 1, 1]
    assert np.isnan(labels.value[5, 0])
    assert labels.known_at.tolist() == [1, 2, 3, 4, 5, 6]
    assert labels.classes == 3


def test_exactly_the_threshold_is_flat(make):
    bars = make([1.0, 1.0, 1.0])
    assert build(TernaryTarget(threshold=1, unit="basis_points"), bars).value[0, 0] == 1


def test_volatilities_by_hand(make):
    bars = make(np.exp(np.cumsum([0.0, 0.02, -0.02, 0.009, 0.011, -0.03])))
    labels = build(TernaryTarget(threshold=0.5, span=2), bars)
    assert np.isnan(labels.value[[0, 1, 5], 0]).all()
    assert labels.known_at.tolist() == [6, 6, 3, 4, 5, 6]
    assert labels.value[2:5, 0].tolist() == [1, 2, 0]  # thresholds 0.01, 0.0078 and 0.005


@pytest.mark.parametrize(
    ("horizon", "threshold", "expected"), [(1, 0.9, 2), (1, 1.1, 1), (4, 1.4, 2), (4, 1.6, 1)]
)
def test_volatility_grows_with_the_root_of_the_horizon(make, horizon, threshold, expected):
    """At row 2 it is 0.01 per bar; the price goes on by 0.01 in one bar and 0.03 in four."""
    bars = make(np.exp(np.cumsum([0.0, 0.01, -0.01, 0.01, 0.01, 0.005, 0.005])))
    labels = build(TernaryTarget(threshold=threshold, span=2, horizon=horizon), bars)
    assert labels.value[2, 0] == expected


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 1), st.floats(0.1, 3))
def test_it_is_that_of_a_plain_loop(walk, seed, horizon, max_gap, threshold):
    bars = walk(seed)
    spec = TernaryTarget(threshold=threshold, span=5, horizon=horizon)
    labels = build(spec, bars, max_gap)
    sigma, segment = volatility(bars, 5, max_gap), bars.segments(max_gap)
    for row, (value,) in enumerate(labels.value):
        end = row + horizon
        if end >= len(bars) or segment[end] != segment[row] or np.isnan(sigma[row]):
            assert np.isnan(value)
            assert labels.known_at[row] == len(bars)
            continue
        move = np.log(bars.close[end] / bars.close[row]) / (sigma[row] * horizon**0.5)
        if abs(abs(move) - threshold) > 1e-9:
            assert value == 1 + (move > threshold) - (move < -threshold)
        assert labels.known_at[row] == end


def test_several_horizons_are_the_single_ones_side_by_side(walk):
    bars = walk(1)
    labels = build(TernaryTarget(horizon=(1, 3), span=5), bars)
    single = [build(TernaryTarget(horizon=h, span=5), bars) for h in (1, 3)]
    assert labels.value.shape == (60, 2)
    for column, one in enumerate(single):
        np.testing.assert_array_equal(labels.value[:, column], one.value[:, 0])
    assert labels.known_at.tolist() == np.maximum(*(o.known_at for o in single)).tolist()


def test_real_hours_fall_into_all_three_classes(candles_of):
    labels = build(TernaryTarget(horizon=20), candles_of("BTCUSDT_1h_2023-01-01_2024-12-31"))
    value = labels.value[np.isfinite(labels.value[:, 0]), 0]
    shares = np.bincount(value.astype(int)) / len(value)
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.05)
