"""The newest bars, in order, in one piece; what cannot be the next bar is refused by type."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import DamagedBarError, DuplicateBarError, OutOfOrderBarError
from atb.market.candle import Candle
from atb.runtime.window import Window, require_possible

HOUR = 3_600_000
START = 1_704_067_200_000


def bar(number: int, price: float = 100.0) -> Candle:
    return Candle(START + number * HOUR, price, price + 1, price - 1, price, 5.0)


def of(*numbers: int, rows: int = 3) -> Window:
    window = Window(rows, HOUR)
    for number in numbers:
        window.push(bar(number, 100.0 + number))
    return window


def test_it_is_whole_after_as_many_bars_as_it_has_rows():
    window = Window(3, HOUR)
    assert (window.missing, window.newest) == (3, None)
    for number, missing in enumerate([2, 1, 0, 0]):
        window.push(bar(number))
        assert (window.missing, window.newest) == (missing, START + number * HOUR)


def test_it_shows_the_newest_bars_in_order():
    expected = [[102, 103, 101, 102, 5], [103, 104, 102, 103, 5], [104, 105, 103, 104, 5]]
    view = of(0, 1, 2, 3, 4).view
    assert view.dtype == np.float32 and view.tolist() == [expected]


@settings(max_examples=50)
@given(rows=st.integers(1, 7), bars=st.integers(0, 40))
def test_it_is_one_piece_of_memory_with_the_last_rows(rows, bars):
    window = of(*range(bars), rows=rows)
    assert window.missing == max(rows - bars, 0)
    if not window.missing:
        assert window.view.flags.c_contiguous
        assert window.view[0, :, 3].tolist() == [100.0 + n for n in range(bars - rows, bars)]


def test_nothing_is_copied_to_show_it():
    window = of(0, 1, 2)
    assert window.view.base is not None and np.shares_memory(window.view, of(0).view) is False
    assert np.shares_memory(window.view, window.view)


@pytest.mark.parametrize(("number", "missing"), [(3, 0), (4, 1), (13, 10)])
def test_missing_bars_are_counted(number, missing):
    assert of(0, 1, 2).missing_before(bar(number).time) == missing


def test_nothing_is_missing_before_the_first_bar():
    assert Window(3, HOUR).missing_before(START) == 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_bar_that_is_in_the_window_comes_twice(number):
    with pytest.raises(DuplicateBarError, match=f"the bar of 2024-01-01T0{number}:00:00Z was take"):
        of(0, 1, 2).missing_before(bar(number).time)


def test_a_bar_from_before_the_window_is_out_of_order():
    with pytest.raises(OutOfOrderBarError, match="of 2024-01-01T00:00:00Z is older than the newes"):
        of(5, 6, 7).missing_before(START)


def test_a_bar_that_fills_a_gap_too_late_is_out_of_order():
    with pytest.raises(OutOfOrderBarError, match="older"):
        of(0, 2, 3).missing_before(bar(1).time)


def test_a_bar_between_two_bars_is_out_of_order():
    with pytest.raises(OutOfOrderBarError, match="1800000 ms after the newest one, which is no mu"):
        of(0, 1, 2).missing_before(START + 2 * HOUR + HOUR // 2)


def test_begun_anew_it_still_knows_what_it_took():
    window = of(0, 1, 2)
    window.clear()
    assert window.missing == 3
    with pytest.raises(DuplicateBarError):
        window.missing_before(bar(2).time)
    for number in (8, 9, 10):
        window.push(bar(number, 100.0 + number))
    assert window.missing == 0 and window.view[0, :, 3].tolist() == [108, 109, 110]


@pytest.mark.parametrize(
    "damage",
    [
        *({name: np.nan} for name in ("open", "high", "low", "close", "volume")),
        *({name: np.inf} for name in ("open", "high", "low", "close", "volume")),
        {"low": 0.0},
        {"low": -1.0},
        {"high": 98.0},
        {"open": 102.0},
        {"open": 98.0},
        {"close": 102.0},
        {"close": 98.0},
        {"volume": -1.0},
        {"high": 1e39},
        {"low": 1e-40},
        {"volume": 1e39},
        {"volume": 1e26},  # a graph would add a part of it to its answer
        {"time": -3_600_000},
        {"time": 1_704_067_200_000_000},  # us
        {"time": 10**30},
        {"close": "100"},
        {"close": None},
        {"time": 1.5},
        {"time": "2024"},
    ],
)
def test_a_bar_that_no_market_has_is_refused(damage):
    damaged = bar(0)._replace(**damage)
    with pytest.raises(DamagedBarError, match="no market has a bar of time"):
        require_possible(damaged)


@pytest.mark.parametrize(
    "candle",
    [
        bar(0),
        Candle(START, 1.0, 1.0, 1.0, 1.0, 0.0),
        Candle(START, np.float64(1), np.float64(1), np.float64(1), np.float64(1), 0),
        Candle(START, 1e-8, 1e8, 1e-8, 1e8, 1e12),
    ],
)
def test_a_bar_that_a_market_can_have_is_taken(candle):
    require_possible(candle)
