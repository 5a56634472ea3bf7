"""Each figure by hand on a small account."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from atb.backtest.account import Account, keep
from atb.backtest.costs import Rates
from atb.backtest.exits import untouched
from atb.backtest.performance import measure
from atb.market.candles import Candles

HOURS_PER_YEAR = 365.25 * 24


def trade(bars: Candles, position: np.ndarray, rate: float) -> Account:
    every = np.full(len(bars), rate)
    return keep(bars, untouched(position), Rates(every, every, np.zeros(len(bars))))


def test_the_figures_by_hand(make):
    bars = make([100, 110, 99, 99], last_close=118.8)
    figures = measure(trade(bars, np.array([1.0, 1.0, 0.0, 1.0]), 0.0))
    returns = np.array([0.1, -0.1, 0.0, 0.2])
    assert figures.total_return == pytest.approx(1.1 * 0.9 * 1.2 - 1)
    assert figures.max_drawdown == pytest.approx(0.1)
    assert figures.annual_volatility == pytest.approx(returns.std() * np.sqrt(HOURS_PER_YEAR))
    expected = returns.mean() / returns.std() * np.sqrt(HOURS_PER_YEAR)
    assert figures.sharpe == pytest.approx(expected)
    assert (figures.trades, figures.turnover, figures.exposure) == (2, 4, 0.75)
    assert figures.win_rate == 0.5  # the first trade made 1.1 * 0.9 = 0.99
    assert figures.annual_return is None  # four hours say nothing of a year


def test_the_annual_return_compounds_to_the_total_one(make):
    days = 73
    bars = make(np.full(24 * days, 100.0), last_close=121.0)
    figures = measure(trade(bars, np.ones(len(bars)), 0.0))
    assert (1 + figures.annual_return) ** (days / 365.25) == pytest.approx(1.21)


def test_a_market_that_closes_has_fewer_bars_a_year(make):
    opens = 100 + np.arange(100.0) % 3
    whole = measure(trade(make(opens, 100), np.ones(100), 0.0))
    halved = measure(trade(make(opens, 100, missing=range(99)), np.ones(100), 0.0))
    ratio = whole.annual_volatility / halved.annual_volatility
    assert ratio == pytest.approx(np.sqrt(199 / 100))


def test_costs_turn_a_winning_trade_into_a_losing_one(make):
    bars, position = make([100, 101, 101], last_close=101), np.array([1.0, 0.0, 0.0])
    assert measure(trade(bars, position, 0.0)).win_rate == 1
    assert measure(trade(bars, position, 0.006)).win_rate == 0


def test_what_is_lost_to_costs_is_counted(make):
    bars, position = make([100, 100, 100], last_close=100), np.array([1.0, -1.0, 1.0])
    figures = measure(trade(bars, position, 0.01))
    assert figures.turnover == 6
    assert figures.costs_paid == pytest.approx(1 - 0.99 * 0.98 * 0.98 * 0.99)
    assert figures.total_return == pytest.approx(-figures.costs_paid)


def test_a_trade_that_changes_its_size_is_one_trade(make):
    bars = make([100, 110, 110, 121, 121], last_close=121)
    figures = measure(trade(bars, np.array([0.5, 1.0, 0.25, 0.0, -0.5]), 0.01))
    assert figures.trades == 2
    grown = 0.995 * 1.05 * 0.995 * 1.0 * 0.9925 * 1.025 * 0.9975
    assert figures.total_return == pytest.approx(grown * 0.995**2 - 1)
    assert figures.turnover == pytest.approx(0.5 + 0.5 + 0.75 + 0.25 + 0.5 + 0.5)
    assert figures.win_rate == 0.5


def test_resizing_costs_can_lose_a_trade(make):
    bars, position = make([100, 100, 100, 101], last_close=101), np.array([1.0, 0.1, 1.0, 0.0])
    assert measure(trade(bars, position, 0.0)).win_rate == 1
    assert measure(trade(bars, position, 0.004)).win_rate == 0
    whole = np.array([1.0, 1.0, 1.0, 0.0])
    assert measure(trade(bars, whole, 0.004)).win_rate == 1


def test_risk_and_hits_by_hand(make):
    bars = make([100, 110, 99, 99], last_close=118.8)
    figures = measure(trade(bars, np.array([1.0, 1.0, 0.0, 1.0]), 0.0))
    downside = np.sqrt(0.1**2 / 4)
    assert figures.sortino == pytest.approx(0.05 / downside * np.sqrt(HOURS_PER_YEAR))
    assert figures.hit_rate == pytest.approx(2 / 3)
    assert figures.drawdown_days == 3 / 24  # from the second bar's open to the end of the last
    assert figures.profit_factor == pytest.approx(0.99 * 0.2 / 0.01)
    assert figures.calmar is None


def test_the_longest_drawdown_ends_where_the_peak_is_reached_again(make):
    path = [100, 90, 95, 100, 100, 110, 105, 120]
    figures = measure(trade(make(path, last_close=119), np.ones(8), 0.0))
    assert figures.drawdown_days == 3 / 24
    rising = measure(trade(make([100, 101, 102], last_close=103), np.ones(3), 0.0))
    assert (rising.drawdown_days, rising.max_drawdown) == (0, 0)
    assert rising.sortino is rising.profit_factor is None


def test_calmar_is_the_annual_return_over_the_largest_drawdown(make):
    opens = np.append(np.full(24 * 40, 100.0), [80.0, 90.0])
    figures = measure(trade(make(opens, last_close=110), np.ones(len(opens)), 0.0))
    assert figures.calmar == pytest.approx(figures.annual_return / 0.2)


def test_costs_are_a_share_of_what_was_made_before_them(make):
    bars, position = make([100, 110, 110], last_close=110), np.array([1.0, 0.0, 0.0])
    figures = measure(trade(bars, position, 0.01))
    made = 0.99 * 0.1
    assert figures.cost_share == pytest.approx(figures.costs_paid / made)
    assert measure(trade(bars, -position, 0.01)).cost_share is None


def test_without_trades_or_without_change_nothing_is_made_up(make):
    idle = measure(trade(make([100, 110], last_close=120), np.zeros(2), 0.01))
    undefined = ("sharpe", "sortino", "calmar", "annual_return", "cost_share", "win_rate")
    undefined += ("hit_rate", "profit_factor")
    assert [getattr(idle, name) for name in undefined] == [None] * len(undefined)
    assert (idle.trades, idle.turnover, idle.exposure, idle.costs_paid) == (0, 0, 0, 0)
    steady = measure(trade(make(100 * 1.01 ** np.arange(50), 100 * 1.01**50), np.ones(50), 0.0))
    assert steady.sharpe is None


def test_the_figures_fit_into_json_even_where_the_market_explodes(make):
    bars = make(np.append(np.full(24 * 31, 1.0), [1e140]), last_close=1e140)
    figures = measure(trade(bars, np.ones(len(bars)), 0.0))
    assert figures.annual_return is None
    json.dumps(asdict(figures), allow_nan=False)
