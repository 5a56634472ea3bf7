"""The trailing volatility, close by close."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atb.backtest.costs import trailing_volatility
from atb.backtest.event_sizing import Trailing


def test_by_hand():
    trailing = Trailing(2)
    assert math.isnan(trailing.value)
    assert math.isnan(trailing.take(100))
    assert math.isnan(trailing.take(100 * math.exp(0.5)))  # one return is too few
    assert trailing.take(100 * math.exp(0.8)) == pytest.approx(math.sqrt((0.25 + 0.09) / 2))
    assert trailing.take(100 * math.exp(0.7)) == pytest.approx(math.sqrt((0.09 + 0.01) / 2))
    assert list(trailing.closes) == pytest.approx([100 * math.exp(one) for one in (0.5, 0.8, 0.7)])


@pytest.mark.parametrize("bars", [2, 7, 30, 500])
def test_it_is_what_the_other_engine_takes(bars):
    closes = 100 * np.exp(np.cumsum(np.random.default_rng(bars).normal(0, 0.02, 200)))
    trailing = Trailing(bars)
    found = [trailing.take(close) for close in closes.tolist()]
    np.testing.assert_allclose(found, trailing_volatility(closes, bars), rtol=1e-9)


def test_what_is_kept_goes_on_to_the_same_bits():
    closes = (100 * np.exp(np.random.default_rng(5).normal(0, 0.02, 300))).tolist()
    steady, again = Trailing(20), Trailing(20)
    for close in closes:
        again = Trailing(20, again.closes)
        assert np.array_equal(steady.take(close), again.take(close), equal_nan=True)
    assert steady.value == Trailing(20, closes).value
