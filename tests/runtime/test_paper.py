"""A paper account trades as the backtests do, whatever happens between two bars."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from atb.backtest import event_driven, sizing, vectorised
from atb.backtest.costs import trailing_volatility
from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.config.trading import CostSpec, ExitSpec, SizingSpec, TradingSpec
from atb.errors import (
    BarError,
    DamagedBarError,
    DuplicateBarError,
    IntegrityError,
    OutOfOrderBarError,
)
from atb.market.candle import Candle
from atb.market.candles import Candles
from atb.runtime.paper import Paper, PaperTrade

HOUR = 3_600_000
START = 1_704_067_200_000
UNITS = ("return", "probability", "probabilities", "log_volatility")
FREE = CostSpec(buy_fee=0, sell_fee=0, slippage=0)


def again(paper: Paper, spec: TradingSpec) -> Paper:
    """The account as a new process finds it on the disk."""
    return Paper("1h", spec, json.loads(json.dumps(paper.state(), allow_nan=False)))


def traded(
    made: Predictions, bars: Candles, spec: TradingSpec, restarts: Collection[int] = ()
) -> tuple[Paper, list[PaperTrade]]:
    """An account that lives through the bars of a backtest, from the first that is known."""
    stop = vectorised.traded_rows(made, bars)[1]
    said = dict(zip(made.rows.tolist(), made.value.tolist(), strict=True))
    paper, wanted, trades = Paper("1h", spec), 0.0, []
    for row in range(stop):
        paper.bar(bars.bar(row), wanted)
        wanted = paper.size(said[row], made.unit) if row in said else 0.0
        if row in restarts:
            trades += paper.trades
            paper = again(paper, spec)
    paper.end()
    return paper, trades + paper.trades


def of_backtest(done: Backtest) -> list[tuple[object, ...]]:
    """Its trades, as `PaperTrade` has them."""
    made = done.tables()["trades"]
    times = (made[name].astype(np.int64).tolist() for name in ("opened", "closed"))
    side = np.where(made["side"] == "long", 1, -1).tolist()
    prices = (made[f"{name}_price"].tolist() for name in ("entry", "exit"))
    return list(zip(*times, side, *prices, made["reason"].tolist(), strict=True))


def require_the_same(
    made: Predictions, bars: Candles, spec: TradingSpec, restarts: Collection[int]
) -> set[str]:
    """Both backtests' trades; returns the reasons they ended for."""
    paper, trades = traded(made, bars, spec, restarts)
    fast, slow = (one.run(made, bars, spec) for one in (vectorised, event_driven))
    assert [astuple(one) for one in trades] == of_backtest(fast) == of_backtest(slow)
    assert paper.equity == slow.equity[-1]
    assert paper.equity == pytest.approx(fast.equity[-1], rel=1e-9, abs=1e-12)
    assert paper.closed == len(trades)
    return {one.reason for one in trades}


def test_it_trades_as_the_backtests_do_over_restarts(random_path, random_rules):
    """Random markets with gaps and silent rows, random rules, restarts at random bars."""
    reasons: set[str] = set()
    for seed in range(100):
        bars, made = random_path(seed, move=(0.03, 0.03, 0.3)[seed % 3])
        random = np.random.default_rng([seed, 1])
        value = {
            "return": made.value,
            "probability": random.random(len(made)),
            "probabilities": random.dirichlet(np.ones(3), len(made)),
            "log_volatility": random.normal(-4, 1, len(made)),
        }[UNITS[seed % 4]]
        said = Predictions(made.rows, value, UNITS[seed % 4])
        restarts = np.flatnonzero(random.random(len(bars)) < 0.3).tolist()
        reasons |= require_the_same(said, bars, random_rules(random), restarts)
    assert reasons == {"signal", "stop", "take_profit", "end"}


def test_it_trades_as_the_backtests_do_on_real_hours(market_data: Path):
    import pandas as pd

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    table = pd.read_feather(file)[:2000]
    time = table["timestamp"].to_numpy().astype("datetime64[ms]").astype(np.int64)
    columns = {"time": time} | {c: table[c] for c in ("open", "high", "low", "close", "volume")}
    bars = Candles.from_columns("BTCUSDT", "1h", columns)
    momentum = np.log(bars.close[24:] / bars.close[:-24])
    made = Predictions(np.arange(24, len(bars)), momentum / 100, "return")
    spec = TradingSpec(
        positions="long_short",
        costs=CostSpec(slippage_per_volatility=0.05, spread=1, funding=1),
        sizing=SizingSpec(rule="kelly", limit=2, horizon=24),
        exits=ExitSpec(stop=0.02, take_profit=0.04),
    )
    reasons = require_the_same(made, bars, spec, range(0, 2000, 97))
    assert reasons == {"signal", "stop", "take_profit", "end"}


def test_a_restart_changes_no_bit_of_any_bar(random_path, random_rules):
    """At every bar: what a restarted account says is what the other one says."""
    for seed in range(20):
        random = np.random.default_rng([seed, 2])
        bars, spec = random_path(seed)[0], random_rules(random)
        steady = restarted = Paper("1h", spec)
        for row in range(len(bars)):
            wanted = None if random.random() < 0.2 else float(random.normal(0, 1))
            restarted = again(restarted, spec)
            for one in {steady, restarted}:
                one.bar(bars.bar(row), wanted)
            assert json.dumps(steady.state()) == json.dumps(restarted.state())
            assert (steady.equity, steady.held) == (restarted.equity, restarted.held)
            assert steady.size(0.001, "return") == restarted.size(0.001, "return")


def bar(number: int, opens: float, high: float, low: float, close: float) -> Candle:
    """An hour, counted from the first."""
    return Candle(START + number * HOUR, opens, high, low, close, 1.0)


def test_a_long_trade_by_hand():
    paper = Paper("1h", TradingSpec(costs=CostSpec(buy_fee=100, sell_fee=200, slippage=0)))
    assert (paper.equity, paper.held, paper.closed) == (1, 0, 0)
    paper.bar(bar(0, 100, 110, 95, 105), 1.0)
    assert paper.held == 1
    assert paper.equity == pytest.approx(0.99 * 1.05, rel=1e-12)  # 1 % paid, then 5 % made
    paper.bar(bar(1, 106, 120, 90, 110), 0.0)
    assert paper.trades == [PaperTrade(START, START + HOUR, 1, 100, 106, "signal")]
    assert paper.held == 0
    assert paper.equity == pytest.approx(0.99 * 1.06 * 0.98, rel=1e-12)


def test_where_nothing_new_is_said_the_position_stays():
    told, untold = (Paper("1h", TradingSpec()) for _ in range(2))
    for number, wanted in enumerate((0.5, None, None, 0.0, None)):
        one = bar(number, 100 + number, 105 + number, 95, 101 + number)
        untold.bar(one, wanted)
        told.bar(one, (0.5, 0.5, 0.5, 0.0, 0.0)[number])
        assert untold.state() == told.state()
    assert told.closed == 1


def test_a_stop_is_known_at_the_close_and_its_trade_when_the_bar_has_ended():
    paper = Paper("1h", TradingSpec(costs=FREE, exits=ExitSpec(stop=0.1)))
    paper.bar(bar(0, 100, 101, 89, 95), 1.0)
    assert (paper.held, paper.trades) == (0, [])
    assert paper.equity == pytest.approx(0.9, rel=1e-12)
    assert (paper.allowed(1.0), paper.allowed(0.5), paper.allowed(-1.0)) == (0, 0, -1)
    paper = again(paper, TradingSpec(costs=FREE, exits=ExitSpec(stop=0.1)))
    paper.bar(bar(3, 96, 97, 95, 96), 1.0)  # still the same side: nothing is held
    assert paper.trades == [PaperTrade(START, START + 3 * HOUR, 1, 100, 90, "stop")]
    assert (paper.held, paper.allowed(1.0), paper.allowed(0.0)) == (0, 0, 0)
    paper.bar(bar(4, 96, 97, 95, 96), 0.0)
    assert paper.allowed(1.0) == 1
    paper.bar(bar(5, 98, 99, 97, 98), 1.0)
    assert (paper.held, paper.closed) == (1, 1)


def test_a_market_that_jumps_over_a_level_is_left_at_its_open():
    paper = Paper("1h", TradingSpec(costs=FREE, exits=ExitSpec(take_profit=0.1)))
    paper.bar(bar(0, 100, 101, 99, 100), 1.0)
    paper.bar(bar(1, 120, 125, 119, 121), 1.0)
    assert paper.trades == [PaperTrade(START, START + HOUR, 1, 100, 120, "take_profit")]
    assert paper.held == 0
    assert paper.equity == pytest.approx(1.2, rel=1e-12)


def test_funding_is_paid_until_the_next_bar_comes():
    paper = Paper("1h", TradingSpec(costs=FREE.model_copy(update={"funding": 80.0})))
    paper.bar(bar(0, 100, 100, 100, 100), 1.0)
    assert paper.equity == pytest.approx(1 - 0.001, rel=1e-12)  # one of eight hours
    assert paper.equity == paper.equity
    paper.bar(bar(5, 100, 100, 100, 100), 0.0)
    assert paper.equity == pytest.approx(1 - 0.005, rel=1e-12)


def test_what_is_lost_stays_lost():
    paper = Paper("1h", TradingSpec(costs=FREE, sizing=SizingSpec(limit=4)))
    paper.bar(bar(0, 100, 101, 74, 99), 4.0)
    assert paper.equity == 0
    paper.bar(bar(1, 100, 200, 100, 200), 4.0)
    assert paper.equity == 0


def test_the_end_closes_everything_and_another_beginning_is_a_new_trade():
    paper = Paper("1h", TradingSpec(positions="long_short", costs=FREE))
    paper.end()
    assert (paper.equity, paper.trades) == (1, [])
    paper.bar(bar(0, 100, 101, 97, 98), -1.0)
    paper.end()
    assert paper.trades == [PaperTrade(START, START + HOUR, -1, 100, 98, "end")]
    assert (paper.held, paper.equity) == (0, pytest.approx(1.02, rel=1e-12))
    paper.end()
    paper.bar(bar(1, 97, 98, 96, 97), None)
    assert paper.held == 0
    paper.bar(bar(2, 97, 98, 96, 97), -1.0)
    paper.bar(bar(3, 96, 97, 95, 96), 0.0)
    another = PaperTrade(START + 2 * HOUR, START + 3 * HOUR, -1, 97, 96, "signal")
    assert paper.trades[1:] == [another]


@pytest.mark.parametrize("rule", ["fixed", "volatility_target", "kelly"])
def test_a_warm_account_sizes_as_the_backtest_does(rule, random_path):
    bars, made = random_path(3, bars=80)
    spec = TradingSpec(volatility_bars=30, sizing=SizingSpec(rule=rule, horizon=1, limit=50))
    volatility = trailing_volatility(bars.close, 30)[made.rows]
    expected = sizing.positions(made, volatility, "1h", spec)
    paper = Paper("1h", spec)
    for row, value, position in zip(made.rows.tolist(), made.value, expected, strict=True):
        paper.warm(bars.rows(0, row + 1))
        assert paper.size(float(value), "return") == pytest.approx(position, rel=1e-9)
    assert len(set(expected.tolist())) > (1 if rule == "fixed" else 5)


def test_warming_up_takes_nothing_that_is_yet_to_come(random_path):
    bars, _ = random_path(4)
    spec = TradingSpec(volatility_bars=20, sizing=SizingSpec(rule="volatility_target"))
    once, twice = Paper("1h", spec), Paper("1h", spec)
    once.warm(bars.rows(0, 30))
    twice.warm(bars.rows(0, 30))
    for row in range(30, 40):
        once.bar(bars.bar(row), 1.0)
        twice.bar(bars.bar(row), 1.0)
        twice.warm(bars)
        twice.warm(bars.rows(row, row + 1))  # fewer than it knows
    assert once.state() == twice.state()


def test_other_rules_go_for_what_comes():
    paper = Paper("1h", TradingSpec(costs=FREE, volatility_bars=50))
    for number in range(10):
        paper.bar(bar(number, 100, 120, 80, 100 + number), 1.0)
    before = paper.size(0.01, "return")
    paper.rules(TradingSpec(volatility_bars=2, exits=ExitSpec(stop=0.1), threshold=200))
    assert (before, paper.size(0.01, "return"), paper.size(0.03, "return")) == (1, 0, 1)
    assert len(paper.state()["closes"]) == 3
    paper.bar(bar(10, 100, 120, 80, 100), 1.0)
    assert paper.held == 0  # stopped at 90


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        (bar(1, 100, 101, 99, 100), DuplicateBarError),
        (bar(0, 100, 101, 99, 100), OutOfOrderBarError),
        (bar(2, 100, 101, 99, float("nan")), DamagedBarError),
        (bar(2, 100, 99, 98, 100), DamagedBarError),
        (bar(2, -1, 101, -2, 100), DamagedBarError),
    ],
)
def test_a_bar_it_cannot_live_through_changes_nothing(wrong: Candle, refusal: type[BarError]):
    paper = Paper("1h", TradingSpec())
    paper.bar(bar(0, 100, 101, 99, 100), 1.0)
    paper.bar(bar(1, 100, 101, 99, 100), 1.0)
    before = json.dumps(paper.state())
    with pytest.raises(refusal):
        paper.bar(wrong, 0.0)
    assert json.dumps(paper.state()) == before


def test_what_is_no_state_is_refused():
    spec, paper = TradingSpec(), Paper("1h", TradingSpec())
    paper.bar(bar(0, 100, 101, 99, 100), 1.0)
    whole = paper.state()
    for name in whole:
        with pytest.raises(IntegrityError, match=f"KeyError: '{name}'"):
            Paper("1h", spec, {key: value for key, value in whole.items() if key != name})
    with pytest.raises(IntegrityError, match="no state of a paper account"):
        Paper("1h", spec, {**whole, "bar": [1, 2, 3]})
