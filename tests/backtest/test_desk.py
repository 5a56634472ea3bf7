"""One bar after another at a desk, by hand."""

from __future__ import annotations

from dataclasses import astuple, replace
from math import nan

import pytest

from atb.backtest.desk import Desk
from atb.config.trading import CostSpec, ExitSpec
from atb.market.candle import Candle

HOUR = 3_600_000
COSTS = CostSpec(buy_fee=100, sell_fee=200, slippage=0, slippage_per_volatility=0.5, funding=80)


def bar(number: int, opens: float, high: float, low: float, close: float) -> Candle:
    return Candle(number * HOUR, opens, high, low, close, 1.0)


def near(*values: object) -> object:
    return pytest.approx(values, rel=1e-12)


def test_a_bar_is_finished_by_the_next_one():
    desk = Desk(COSTS, ExitSpec())
    assert desk.take(bar(0, 100, 110, 95, 105), nan, 0.5) is None
    passed = desk.take(bar(3, 104, 104, 104, 104), 0.01, 0.0)  # two bars are missing
    assert passed is not None
    value = 0.5 * 0.995  # half of what is left after 1 % of a half
    assert astuple(passed)[:7] == (0, 3 * HOUR, 0.5, 100, 104, False, "signal")
    money = passed.opening, passed.funding, passed.closing, passed.equity
    assert money == near(0.005, value * 0.003, 0, 0.995 + value * 0.04 - value * 0.003)
    rate = 0.02 + 0.5 * 0.01  # the fee, and half of the volatility
    assert desk.opening == pytest.approx(rate * 0.5 * passed.equity, rel=1e-12)


def test_a_stop_comes_before_a_take_profit_and_waits_for_another_side():
    desk = Desk(CostSpec(buy_fee=0, sell_fee=0, slippage=0), ExitSpec(stop=0.1, take_profit=0.1))
    desk.take(bar(0, 100, 115, 85, 100), nan, -1.0)
    assert (desk.met, desk.out) == (("stop", pytest.approx(110)), True)
    passed = desk.take(bar(1, 90, 90, 90, 90), nan, -2.0)
    assert passed is not None
    assert (passed.left, passed.closed, passed.reason) == (pytest.approx(110), True, "stop")
    assert (desk.held, desk.out, passed.equity) == (0, True, pytest.approx(0.9))
    desk.take(bar(2, 90, 90, 80, 85), nan, 1.0)
    assert (desk.held, desk.entry, desk.met) == (1, 90, ("stop", pytest.approx(81)))


def test_where_nothing_is_held_no_exit_is_met():
    desk = Desk(COSTS, ExitSpec(stop=0.1, take_profit=0.1))
    for number in range(3):
        passed = desk.take(bar(number, 100 - 20 * number, 150, 30, 90), nan, 0.0)
        assert (desk.met, desk.out) == (None, False)
        assert passed is None or (passed.reason, passed.closed, passed.equity) == (
            "signal",
            False,
            1,
        )


def test_to_look_is_not_to_touch():
    desk = Desk(COSTS, ExitSpec(stop=0.02))
    for low in (95, 99):
        desk.take(bar(low, 100, 110, low, 105), 0.01, 1.0 if low == 95 else -1.0)
        before = replace(desk)
        assert desk.marked((low + 1) * HOUR) == desk.marked((low + 1) * HOUR) != 1
        assert desk == before


def test_nothing_is_left_at_the_end():
    desk = Desk(CostSpec(buy_fee=0, sell_fee=100, slippage=0), ExitSpec())
    assert desk.end(0) is None
    assert desk.marked(0) == 1
    desk.take(bar(0, 100, 110, 95, 105), nan, 1.0)
    passed = desk.end(HOUR)
    assert passed is not None
    assert (passed.closed, passed.left, passed.until) == (True, 105, HOUR)
    assert (desk.held, desk.units, desk.marked(HOUR)) == (0, 0, pytest.approx(1.05 * 0.99))
    assert desk.end(HOUR) is None
    desk.take(bar(1, 90, 91, 89, 90), nan, 1.0)
    assert desk.entry == 90  # the same side again is a new one
