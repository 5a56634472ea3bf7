"""Stops and take-profits by hand, and that they know nothing of the future."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.backtest.exits import REASONS, Holdings, apply
from atb.backtest.vectorised import run
from atb.config.trading import CostSpec, ExitSpec, TradingSpec
from atb.market.candles import Candles

FREE = CostSpec(buy_fee=0, sell_fee=0, slippage=0)


def bars(*prices: tuple[float, float, float]) -> Candles:
    """Hourly bars of open, low and high; each closes where the next one opens."""
    opens, lows, highs = np.array(prices, float).T
    columns = {
        "time": 1_704_067_200_000 + 3_600_000 * np.arange(len(opens)),
        "open": opens,
        "high": highs,
        "low": lows,
        "close": np.append(opens[1:], opens[-1]),
        "volume": np.ones(len(opens)),
    }
    return Candles.from_columns("BTCUSDT", "1h", columns)


def held(wanted: list[float], market: Candles, **exits: float) -> Holdings:
    return apply(np.array(wanted, float), market, ExitSpec(**exits))


def said(done: Holdings) -> list[str]:
    return [REASONS[number] for number in done.reason]


QUIET = (100.0, 99.0, 101.0)


@pytest.mark.parametrize(
    ("bar", "exits", "price", "why"),
    [
        ((100, 94, 101), {"stop": 0.05}, 95.0, "stop"),
        ((100, 99, 112), {"take_profit": 0.1}, 110.0, "take_profit"),
        ((100, 94, 112), {"stop": 0.05, "take_profit": 0.1}, 95.0, "stop"),  # which was first?
        ((100, 95.5, 109), {"stop": 0.05, "take_profit": 0.1}, None, "signal"),
        ((100, 95, 101), {"stop": 0.05}, 95.0, "stop"),  # touched is hit
    ],
)
def test_a_level_reached_within_a_bar_fills_there(bar, exits, price, why):
    done = held([1, 1, 1], bars(QUIET, bar, QUIET), **exits)
    assert done.position.tolist() == [1, 1, 1 if price is None else 0]
    assert said(done) == ["signal", why, "signal"]
    expected = np.nan if price is None else price
    assert done.exit[1] == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("opens", "why"), [(80.0, "stop"), (130.0, "take_profit"), (97.0, "signal")]
)
def test_a_market_that_jumps_over_a_level_fills_at_the_open(opens, why):
    after = (opens, opens - 30, opens + 30)  # what comes after the open is too late
    done = held([1, 1, 1], bars(QUIET, after, QUIET), stop=0.2, take_profit=0.3)
    if why == "signal":
        assert done.exit[1] == 80.0  # by the stop, within the bar
        return
    assert done.position.tolist() == [1, 0, 0]
    assert np.isnan(done.exit).all()
    assert said(done) == [why, "signal", "signal"]


def test_a_short_position_is_stopped_above_and_gains_below():
    up = held([-1, -1], bars(QUIET, (100, 99, 106)), stop=0.05, take_profit=0.1)
    assert (up.exit[1], said(up)[1]) == (105.0, "stop")
    down = held([-1, -1], bars(QUIET, (100, 89, 101)), stop=0.05, take_profit=0.1)
    assert (down.exit[1], said(down)[1]) == (90.0, "take_profit")


def test_a_position_may_be_closed_in_the_bar_it_was_opened_in():
    done = held([1, 1], bars((100, 90, 100), QUIET), stop=0.05)
    assert (done.exit[0], done.position.tolist()) == (95.0, [1, 0])


def test_nothing_is_opened_again_until_another_side_is_asked_for():
    market = bars(QUIET, (100, 90, 101), QUIET, QUIET, QUIET, QUIET)
    assert held([1, 1, 1, 0, 1, 1], market, stop=0.05).position.tolist() == [1, 1, 0, 0, 1, 1]
    assert held([1, 1, 1, -1, 1, 1], market, stop=0.05).position.tolist() == [1, 1, 0, -1, 1, 1]


def test_more_of_one_side_moves_no_level():
    market = bars(QUIET, (120, 119, 121), (120, 96, 121), (120, 94, 121))
    done = held([0.5, 1, 1, 0.2], market, stop=0.05)
    assert np.isnan(done.exit[:3]).all() and done.exit[3] == 95.0


def test_what_a_stop_is_worth_by_hand(predict):
    """Bought at 100, stopped at 95 with a percent a side; nothing is made of the recovery."""
    market = bars(QUIET, QUIET, (100, 94, 100), (200, 199, 201))
    spec = TradingSpec(
        costs=CostSpec(buy_fee=100, sell_fee=200, slippage=0), exits=ExitSpec(stop=0.05)
    )
    done = run(predict([0, 1, 2], [1.0] * 3), market, spec)
    assert done.equity == pytest.approx([1, 0.99, 0.99 * 0.95 * 0.98, 0.99 * 0.95 * 0.98])
    assert (done.performance.trades, done.performance.turnover) == (1, 2)
    assert done.performance.exposure == pytest.approx(2 / 3)
    (reason,) = done.tables()["trades"]["reason"]
    assert (reason, done.trades.exit[0]) == ("stop", 95.0)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 58))
def test_exits_know_nothing_of_the_future(random_path, seed, cut):
    market, made = random_path(seed)
    random = np.random.default_rng(seed)
    wanted = np.zeros(len(market))
    wanted[made.rows] = np.sign(made.value)
    rest = random.uniform(0.1, 10)
    columns = {"time": market.time} | {
        name: np.concatenate([values[:cut], values[cut:] * rest])
        for name in ("open", "high", "low", "close", "volume")
        for values in [getattr(market, name)]
    }
    other = Candles.from_columns("BTCUSDT", "1h", columns)
    spec = ExitSpec(stop=0.02, take_profit=0.03)
    before, after = apply(wanted, market, spec), apply(wanted, other, spec)
    assert before.position[:cut].tobytes() == after.position[:cut].tobytes()
    assert before.exit[:cut].tobytes() == after.exit[:cut].tobytes()
