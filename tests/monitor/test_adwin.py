"""ADWIN, beside river's on streams with and without changes."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.monitor.adwin import Adwin


def stream(seed: int) -> list[float]:
    """Stretches of values between 0 and 1, each with a mean and a deviation of its own."""
    draw = np.random.default_rng(seed)
    stretches = [
        draw.normal(draw.uniform(0.2, 0.8), draw.uniform(0.02, 0.3), draw.integers(50, 1500))
        for _ in range(draw.integers(1, 5))
    ]
    return np.clip(np.concatenate(stretches), 0, 1).tolist()


def changes(adwin: Adwin, values: list[float]) -> int:
    return sum(adwin.update(value) for value in values)


def test_changes_are_seen_where_river_sees_them():
    """River begins anew after a change."""
    from river.drift import ADWIN

    theirs, ours = [], []
    for seed in range(6):
        values, oracle, adwin = stream(seed), ADWIN(), Adwin()
        for i, value in enumerate(values):
            oracle.update(value)
            if oracle.drift_detected:
                theirs.append((seed, i))
            if adwin.update(value):
                ours.append((seed, i))
                adwin = Adwin()
    assert len(theirs) > 5
    assert ours == theirs


def test_the_window_is_what_comes_after_the_change():
    adwin = Adwin()
    seen = [i for i in range(1000) if adwin.update(0.2 if i < 500 else 0.8)]
    assert seen and 500 <= seen[0] < 564
    assert adwin.mean == pytest.approx(0.8, abs=0.03) and 400 < adwin.width <= 550
    left = reduce(lambda one, other: one.joined(other), adwin._oldest_first())
    assert vars(adwin._whole) == pytest.approx(vars(left))


def test_nothing_changes_where_nothing_does():
    values = np.random.default_rng(0).uniform(0, 1, 10_000).tolist()
    adwin = Adwin()
    assert not changes(adwin, values)
    assert adwin.width == 10_000
    assert adwin.mean == pytest.approx(np.mean(values))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=300))
def test_what_is_kept_of_values_is_their_mean_and_spread(values):
    adwin = Adwin(clock=10_000)
    for value in values:
        adwin.update(value)
    assert adwin.mean == pytest.approx(np.mean(values), abs=1e-9)
    assert adwin._whole.spread == pytest.approx(np.var(values) * len(values), abs=1e-6)
    assert sum(bucket.values for bucket in adwin._oldest_first()) == len(values)


def test_memory_is_logarithmic():
    adwin = Adwin(clock=10**9)
    for _ in range(20_000):
        adwin.update(0.5)
    assert len(list(adwin._oldest_first())) <= 6 * 15


def test_what_came_before_is_remembered():
    """A stream that is another from its first value on is told from what came before it."""
    draw, fresh, knowing = np.random.default_rng(0), Adwin(), Adwin()
    knowing.remember(3001, 0.5, 1 / 12)
    assert (knowing.width, knowing.mean) == (3001, 0.5)
    worse = draw.uniform(0.4, 1, 500).tolist()
    assert not changes(fresh, worse)
    assert changes(knowing, worse)
    assert knowing.mean > 0.6


def test_dependent_values_need_more_of_a_change():
    steps = [0.4] * 300 + [0.6] * 300
    plain, slow = Adwin(), Adwin(draws=lambda values: values / 50)
    assert changes(plain, steps)
    assert not changes(slow, steps)
