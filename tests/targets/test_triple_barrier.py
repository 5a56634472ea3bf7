"""Each barrier by hand, both in one bar, gaps and the end, and a plain loop as the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.targets import TripleBarrierTarget
from atb.targets.build import build
from atb.targets.trailing import volatility

# At row 2 the volatility is 0.01 per bar and 0.02 over four: the barriers are at exp(+-0.02).
WARM = [0.0, 0.01, 0.0]
SPEC = TripleBarrierTarget(horizon=4, span=2)


def bars_after(make, high: list[float], low: list[float], hours=None):
    """Bars that warm up and then reach these log prices above and below 0, where they close."""
    close = np.exp(WARM + [0.0] * len(high))
    return make(close, hours, np.exp(WARM + high), np.exp(WARM + low))


@pytest.mark.parametrize(
    ("high", "low", "expected", "decided"),
    [
        ([0.0, 0.021, 0.0, 0.0], [0.0, 0.0, -0.05, 0.0], 2, 4),  # the profit comes first
        ([0.0, 0.0, 0.021, 0.0], [0.0, -0.021, 0.0, 0.0], 0, 4),  # the stop comes first
        ([0.019] * 4, [-0.019] * 4, 1, 6),  # neither: the time barrier
        ([0.0, 0.0, 0.0, 0.021], [0.0] * 4, 2, 6),  # the last bar still counts
        ([0.0, 0.03, 0.0, 0.0], [0.0, -0.03, 0.0, 0.0], 0, 4),  # both in one bar: the stop
    ],
)
def test_the_first_barrier_met_decides(make, high, low, expected, decided):
    labels = build(SPEC, bars_after(make, high, low))
    assert labels.value[2].tolist() == [expected]
    assert labels.known_at[2] == decided
    assert labels.classes == 3


@pytest.mark.parametrize(("profit", "stop", "expected"), [(2, 1, 0), (1, 2, 2), (2, 2, 1)])
def test_barriers_stand_at_their_own_multiples(make, profit, stop, expected):
    """The price falls by 1.5 volatilities and then rises by 1.5."""
    bars = bars_after(make, [0.0, 0.03, 0.0, 0.0], [-0.03, 0.0, 0.0, 0.0])
    spec = TripleBarrierTarget(horizon=4, span=2, profit=profit, stop=stop)
    assert build(spec, bars).value[2, 0] == expected


def test_the_bar_itself_and_what_follows_the_time_barrier_meet_nothing(make):
    bars = make(np.exp([*WARM, 0, 0, 0, 0, 0]), high=np.exp([0, 0.5, 0.5, 0, 0, 0, 0, 0.5]))
    labels = build(SPEC, bars)
    assert (labels.value[2, 0], labels.known_at[2]) == (1, 6)


def test_a_gap_ends_what_is_undecided_and_nothing_else(make):
    high, low = [0.0, 0.021, 0.0, 0.0], [0.0] * 4
    late = build(SPEC, bars_after(make, high, low, hours=[0, 1, 2, 3, 4, 9, 10]))
    early = build(SPEC, bars_after(make, high, low, hours=[0, 1, 2, 3, 9, 10, 11]))
    assert (late.value[2, 0], late.known_at[2]) == (2, 4)
    assert np.isnan(early.value[2, 0])
    assert early.known_at[2] == 7
    allowed = build(SPEC, bars_after(make, high, low, hours=[0, 1, 2, 3, 9, 10, 11]), max_gap=5)
    assert (allowed.value[2, 0], allowed.known_at[2]) == (2, 4)


def plain(bars, spec, max_gap):
    """The same by two loops."""
    sigma, segment, n = volatility(bars, spec.span, max_gap), bars.segments(max_gap), len(bars)
    for row in range(n):
        move = sigma[row] * spec.horizon**0.5
        found = (np.nan, n)
        for bar in range(row + 1, min(row + spec.horizon, n - 1) + 1):
            if np.isnan(move) or segment[bar] != segment[row]:
                break
            if bars.low[bar] <= bars.close[row] * np.exp(-spec.stop * move):
                found = (0.0, bar)
                break
            if bars.high[bar] >= bars.close[row] * np.exp(spec.profit * move):
                found = (2.0, bar)
                break
            if bar == row + spec.horizon:
                found = (1.0, bar)
        yield found


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    horizon=st.integers(1, 12),
    max_gap=st.integers(0, 2),
    profit=st.floats(0.2, 3),
    stop=st.floats(0.2, 3),
)
def test_it_is_that_of_a_plain_loop(walk, seed, horizon, max_gap, profit, stop):
    bars = walk(seed)
    spec = TripleBarrierTarget(horizon=horizon, span=4, profit=profit, stop=stop)
    labels = build(spec, bars, max_gap)
    value, known_at = zip(*plain(bars, spec, max_gap), strict=True)
    np.testing.assert_array_equal(labels.value[:, 0], value)
    assert labels.known_at.tolist() == list(known_at)


def test_real_minutes_with_gaps(candles_of):
    bars = candles_of("BTCUSD_bitfinex_1m_2018")
    labels = build(TripleBarrierTarget(horizon=20), bars)
    known = np.isfinite(labels.value[:, 0])
    assert known.mean() > 0.3
    assert np.all(labels.known_at[known] <= np.flatnonzero(known) + 20)
    segment = bars.segments()
    assert np.all(segment[labels.known_at[known]] == segment[known])
    assert set(labels.value[known, 0]) == {0.0, 1.0, 2.0}
