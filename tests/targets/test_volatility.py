"""Realised volatility by hand, against a plain loop, and on real candles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.targets import VolatilityTarget
from atb.targets.build import build


def test_by_hand(make):
    bars = make(np.exp([0.0, 3.0, 7.0, 7.0, 7.0]))
    labels = build(VolatilityTarget(horizon=2), bars)
    expected = np.log(np.sqrt([(9 + 16) / 2, 16 / 2]))
    assert labels.value[:2, 0] == pytest.approx(expected)
    assert np.isnan(labels.value[2:, 0]).all()  # no movement, then no future
    assert labels.known_at.tolist() == [2, 3, 5, 5, 5]
    assert labels.classes == 1


def test_one_bar_ahead_it_is_the_size_of_the_return(make):
    labels = build(VolatilityTarget(horizon=1), make([100.0, 101.0, 99.0]))
    expected = np.log(np.abs(np.log([101 / 100, 99 / 101])))
    assert labels.value[:2, 0] == pytest.approx(expected)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 15), st.integers(0, 2))
def test_it_is_that_of_a_plain_loop(walk, seed, horizon, max_gap):
    bars = walk(seed)
    labels = build(VolatilityTarget(horizon=horizon), bars, max_gap)
    segment = bars.segments(max_gap)
    for row, (value,) in enumerate(labels.value):
        end = row + horizon
        moves = np.diff(np.log(bars.close[row : end + 1]))
        if end >= len(bars) or segment[end] != segment[row] or not moves.any():
            assert np.isnan(value)
            assert labels.known_at[row] == len(bars)
        else:
            assert value == pytest.approx(np.log(np.sqrt(np.mean(moves**2))))
            assert labels.known_at[row] == end


def test_a_row_needs_all_its_horizons(walk):
    bars = walk(3)
    labels = build(VolatilityTarget(horizon=(2, 10)), bars)
    unknown = np.isnan(labels.value).any(axis=1)
    assert labels.value.shape == (60, 2)
    assert np.array_equal(labels.known_at == len(bars), unknown)
    assert not np.array_equal(unknown, np.isnan(labels.value[:, 0]))


def test_real_volatility_persists(candles_of):
    """The one target with a signal: what comes is correlated with what came right before."""
    labels = build(VolatilityTarget(horizon=24), candles_of("BTCUSDT_1h_2023-01-01_2024-12-31"))
    value = labels.value[np.isfinite(labels.value[:, 0]), 0]
    assert np.corrcoef(value[24:], value[:-24])[0, 1] > 0.4
