"""Each cost by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb.backtest.account import keep
from atb.backtest.costs import rates, trailing_volatility
from atb.backtest.exits import apply, untouched
from atb.config.trading import CostSpec, ExitSpec

NOTHING = CostSpec(buy_fee=0, sell_fee=0, slippage=0)


def paid(market, position, volatility=np.nan, **costs):
    """The account of positions in a market that stands still: what is missing are the costs."""
    spec = NOTHING.model_copy(update=costs)
    every = np.full(len(market), volatility)
    return keep(market, untouched(np.array(position, float)), rates(market, every, spec))


@pytest.mark.parametrize(
    ("costs", "left"),
    [
        ({"buy_fee": 100}, 0.99),
        ({"sell_fee": 200}, 0.98),
        ({"spread": 100}, 0.995**2),
        ({"slippage": 50}, 0.995**2),
        ({"slippage_per_volatility": 0.5}, 0.99**2),
        ({"funding": 80}, 0.999**2),  # two hours of eight
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_each_cost_of_one_round_trip(make, costs, left, side):
    account = paid(make([100, 100, 100], 100), [side, side, 0], 0.02, **costs)
    assert account.equity[-1] == pytest.approx(left)
    assert account.costs == pytest.approx(1 - left)


def test_turning_around_is_all_one_side(make):
    market = make([100, 100], 100)
    assert paid(market, [1, -1], sell_fee=100).equity[-1] == pytest.approx(0.98)
    assert paid(market, [1, -1], buy_fee=100).equity[-1] == pytest.approx(0.99 * 0.99)


def test_funding_is_paid_for_the_time_it_takes_and_the_value_held(make):
    gap = paid(make([100, 100, 100], 100, missing=[0]), [1, 0, 0], funding=80)
    assert gap.equity[-1] == pytest.approx(1 - 0.008 * 2 / 8)
    half = paid(make([100, 100], 100), [0.5, 0], funding=80)
    assert half.equity[-1] == pytest.approx(1 - 0.008 / 8 / 2)


def test_a_trade_pays_for_itself_alone(make):
    """What turning costs is shared by the two trades, by their sizes."""
    from atb.backtest.account import trades

    account = paid(make([100, 100, 100], 100), [1, -0.5, 0], sell_fee=300, buy_fee=0)
    made = trades(account)
    assert made.profit == pytest.approx([-0.03, -0.015])
    assert made.profit.sum() == pytest.approx(account.equity[-1] - 1)


def test_the_trailing_volatility_by_hand():
    close = 100 * np.exp(np.cumsum([0, 0.01, -0.02, 0.03, 0.0]))
    found = trailing_volatility(close, 2)
    assert np.isnan(found[:2]).all()
    squares = [(0.01**2 + 0.02**2) / 2, (0.02**2 + 0.03**2) / 2, 0.03**2 / 2]
    assert found[2:] == pytest.approx(np.sqrt(squares))
    whole = trailing_volatility(close, 100)
    assert whole[-1] == pytest.approx(np.sqrt((0.01**2 + 0.02**2 + 0.03**2) / 4))


def test_the_trailing_volatility_knows_no_later_close():
    close = 100 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.01, 300)))
    whole = trailing_volatility(close, 20)
    for cut in (1, 2, 3, 25, 299):
        assert trailing_volatility(close[:cut], 20).tolist() == pytest.approx(
            whole[:cut].tolist(), nan_ok=True, rel=1e-15
        )


def test_who_borrows_can_be_ruined_within_a_bar(make):
    """At three times the equity a third down is the end, even if the bar closes where it opened."""
    market = make([100, 100, 100], 100)
    dip = replace(market, low=np.array([100, 66, 100.0]), high=np.array([100, 140, 100.0]))
    for position, left in ((3, 0), (2.9, 1), (1, 1), (-2.6, 0), (-2.4, 1)):
        assert paid(dip, [position] * 3).equity[-1] == left
    spared = apply(np.full(3, 3.0), dip, ExitSpec(stop=0.2))
    account = keep(dip, spared, rates(dip, np.full(3, np.nan), NOTHING))
    assert account.equity[-1] == pytest.approx(0.4)  # three times a fifth, lost at the stop
