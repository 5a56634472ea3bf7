"""The built-in backtest against arithmetic by hand, and its laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.backtest.predictions import Predictions
from atb.backtest.vectorised import run
from atb.config.trading import CostSpec, TradingSpec
from atb.errors import DataError
from atb.market.candles import Candles

FREE = TradingSpec(costs=CostSpec(buy_fee=0, sell_fee=0, slippage=0))
COSTLY = TradingSpec(costs=CostSpec(buy_fee=90, sell_fee=90, slippage=10))  # one percent a side
BOTH = FREE.model_copy(update={"positions": "long_short"})
seeds = st.integers(0, 2**32 - 1)


def test_one_long_trade_by_hand(make, predict):
    bars = make([100, 110, 121, 133.1], last_close=150)
    done = run(predict([0, 1, 2], [0.01, 0.01, -0.01]), bars, COSTLY)
    assert done.position.tolist() == [1, 1, 0]
    assert done.equity == pytest.approx([1, 0.99 * 1.1, 0.99 * 1.21, 0.99 * 1.21 * 0.99])
    assert done.time.tolist() == [*bars.time[1:].tolist(), bars.close_time[-1]]
    assert done.performance.trades == 1
    assert done.performance.turnover == 2
    assert done.performance.costs_paid == pytest.approx(0.01 + 0.01 * 0.99 * 1.21)
    assert done.performance.exposure == pytest.approx(2 / 3)
    assert done.performance.win_rate == 1


def test_turning_from_long_to_short_by_hand(make, predict):
    bars = make([100, 100, 110, 99], last_close=99)
    spec = COSTLY.model_copy(update={"positions": "long_short"})
    done = run(predict([0, 1], [1.0, -1.0]), bars, spec)
    assert done.position.tolist() == [1, -1]
    expected = [1, 0.99 * 1.1, 0.99 * 1.1 * 0.98 * 1.1 * 0.99]
    assert done.equity == pytest.approx(expected)
    assert done.performance.trades == 2
    assert done.performance.win_rate == 1


def test_the_last_prediction_is_closed_at_the_close_of_its_bar(make, predict):
    bars = make([100, 100, 100, 500], last_close=1000)
    done = run(predict([0, 1], [1.0, 1.0]), bars, FREE)
    assert done.equity.tolist() == [1, 1, 5]  # bar 2 opens at 100 and closes at 500
    assert done.time[-1] == bars.close_time[2]


def test_a_prediction_at_the_last_bar_is_never_traded(make, predict):
    bars = make([100, 100], last_close=100)
    assert len(run(predict([0, 1], [1.0, 1.0]), bars, FREE).position) == 1
    with pytest.raises(DataError, match="none of 1 predictions has a bar after it"):
        run(predict([1], [1.0]), bars, FREE)


def test_over_a_gap_the_next_bar_there_is_counts(make, predict):
    whole, broken = make([100, 110, 120], 130), make([100, 110, 120], 130, missing=[0])
    made = predict([0, 1], [1.0, 1.0])
    assert run(made, broken, COSTLY).equity.tolist() == run(made, whole, COSTLY).equity.tolist()
    assert run(made, broken, COSTLY).time[0] == whole.time[1] + 3_600_000


def test_without_a_prediction_nothing_is_held(make, predict):
    done = run(predict([0, 1, 4], [1.0, 1.0, 1.0]), make([1, 1, 2, 3, 4, 5], 6), FREE)
    assert done.position.tolist() == [1, 1, 0, 0, 1]


@settings(deadline=None)
@given(seeds)
def test_always_flat_keeps_the_equity(random_path, seed):
    bars, made = random_path(seed)
    flat = Predictions(made.rows, np.zeros(len(made)), "return")
    done = run(flat, bars, TradingSpec(positions="long_short"))
    assert done.equity.tolist() == [1.0] * len(done.equity)
    assert done.performance.trades == 0
    assert done.performance.win_rate is done.performance.sharpe is None
    assert done.performance.costs_paid == 0


@settings(deadline=None)
@given(seeds, st.floats(0, 500))
def test_always_long_is_buy_and_hold_with_its_round_trip(random_path, seed, fee):
    bars, made = random_path(seed)
    rows = np.arange(made.rows[0], len(bars) - 1)
    long = Predictions(rows, np.ones(len(rows)), "return")
    spec = TradingSpec(costs=CostSpec(buy_fee=fee, sell_fee=fee, slippage=0))
    done = run(long, bars, spec)
    assert done.equity.tobytes() == done.held.tobytes()
    assert done.performance == done.buy_and_hold
    expected = bars.close[-1] / bars.open[rows[0] + 1] * (1 - fee / 10_000) ** 2
    assert done.equity[-1] == pytest.approx(expected)


@settings(deadline=None)
@given(seeds, st.floats(0, 5000), st.floats(0, 5000))
def test_more_costs_never_help(random_path, seed, one, other):
    bars, made = random_path(seed)
    low, high = sorted((one, other))
    cheap, dear = (
        run(made, bars, BOTH.model_copy(update={"costs": CostSpec(buy_fee=fee, sell_fee=fee)}))
        for fee in (low, high)
    )
    assert np.all(dear.equity <= cheap.equity)


@settings(deadline=None)
@given(seeds, st.integers(1, 58))
def test_what_happens_later_changes_nothing_before(random_path, random_rules, seed, cut):
    bars, made = random_path(seed)
    random = np.random.default_rng(seed)
    changed = {"time": bars.time} | {
        name: np.concatenate([values[: cut + 1], values[cut + 1 :] * random.uniform(0.1, 10)])
        for name in ("open", "high", "low", "close", "volume")
        for values in [getattr(bars, name)]
    }
    later = made.rows > cut
    other = Predictions(made.rows, np.where(later, -made.value, made.value), "return")
    spec = random_rules(random)
    before = run(made, bars, spec)
    after = run(other, Candles.from_columns("BTCUSDT", "1h", changed), spec)
    # An equity at an open needs that open alone; the last one also the close of its bar.
    known = np.append(before.time[:-1] <= bars.time[cut], before.time[-1] <= bars.close_time[cut])
    assert before.equity[known].tobytes() == after.equity[known].tobytes()


@settings(deadline=None)
@given(seeds)
def test_without_costs_short_is_the_mirror_of_long(random_path, seed):
    bars, made = random_path(seed)
    mirrored = Predictions(made.rows, -made.value, "return")
    one, other = run(made, bars, BOTH), run(mirrored, bars, BOTH)
    assert np.array_equal(one.position, -other.position)
    gains, losses = (np.diff(done.equity) / done.equity[:-1] for done in (one, other))
    assert gains == pytest.approx(-losses, abs=1e-12)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_buy_and_hold_knows_nothing_of_the_predictions(random_path, seed):
    bars, made = random_path(seed)
    mirrored = Predictions(made.rows, -made.value, "return")
    assert run(made, bars, BOTH).held.tolist() == run(mirrored, bars, BOTH).held.tolist()


def test_an_equity_that_is_used_up_stays_at_zero(make, predict):
    bars = make([100, 100, 250, 10], last_close=10)
    done = run(predict([0, 1, 2], [-1.0, -1.0, 1.0]), bars, BOTH)
    assert done.equity.tolist() == [1, 0, 0, 0]
    assert done.performance.total_return == -1
    assert done.performance.max_drawdown == 1


def test_real_hours_of_bitcoin(hours):
    momentum = np.log(hours.close[24:] / hours.close[:-24])
    made = Predictions(np.arange(24, len(hours)), momentum, "return")
    done = run(made, hours, TradingSpec(positions="long_short", threshold=50))
    round_trip = (1 - 12e-4) ** 2
    assert done.held[-1] == pytest.approx(hours.close[-1] / hours.open[25] * round_trip)
    assert done.buy_and_hold.trades == 1
    assert done.performance.trades > 100
