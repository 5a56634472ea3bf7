"""The step of prices is told from the prices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atb.market.lob.ticks import tick_of

FLOAT32 = 2.0**-24


@pytest.mark.parametrize(
    ("prices", "tick"),
    [
        ([236.47, 236.2], 0.01),
        ([4500.25, 4501.0, 4499.75], 0.25),
        ([100.0, 105.0, 110.0], 5.0),
        ([0.06123401, 0.06], 1e-8),
        ([100.0, np.nan, np.inf, 103.0], 1.0),
        ([1.2345678901], 1.2345678901),
        ([0.12345678901234, 1.0], None),
        ([1e300], None),
        ([np.nan], None),
        ([0.0, 0.0], None),
        ([], None),
    ],
)
def test_steps(prices, tick):
    assert tick_of([np.array(prices, np.float64)]) == tick


def test_float32_prices_are_rounded_as_they_were_kept():
    prices = np.array([60000.12, 59999.87, 60001.5], np.float32).astype(np.float64)
    assert tick_of([prices]) is None or tick_of([prices]) < 0.01
    assert tick_of([prices], FLOAT32) == 0.01


@settings(max_examples=200, deadline=None)
@given(cents=st.lists(st.integers(1, 8_000_000), min_size=1, max_size=50))
@example(cents=[6_000_001, 6_000_100, 6_000_201, 5_999_999])
def test_cents_in_float32_are_not_taken_for_a_coarser_step(cents):
    prices = (np.array(cents) / 100).astype(np.float32).astype(np.float64)
    assert tick_of([prices], FLOAT32) == pytest.approx(np.gcd.reduce(cents) / 100, rel=1e-15)


@settings(max_examples=200, deadline=None)
@given(
    counts=st.lists(st.integers(1, 2**24), min_size=1, max_size=50),
    unit=st.integers(1, 50),
    decimals=st.integers(0, 6),
)
def test_it_is_the_greatest_step_of_which_all_are_multiples(counts, unit, decimals):
    numbers = unit * np.array(counts)
    tick = tick_of([numbers[::2] / 10**decimals, numbers[1::2] / 10**decimals])
    assert tick == pytest.approx(np.gcd.reduce(numbers) / 10**decimals, rel=1e-15)
