"""The loop over bars and orders and the engine without one say the same, to 1e-9."""

from __future__ import annotations

import threading
from dataclasses import asdict

import numpy as np
import pytest

from atb.backtest import event_driven, vectorised
from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.config.trading import CostSpec, ExitSpec, SizingSpec, TradingSpec
from atb.market.candles import Candles

UNITS = ("return", "probability", "probabilities", "log_volatility")


def in_unit(made: Predictions, unit: str, random: np.random.Generator) -> Predictions:
    value = {
        "return": made.value,
        "probability": random.random(len(made)),
        "probabilities": random.dirichlet(np.ones(3), len(made)),
        "log_volatility": random.normal(-4, 1, len(made)),
    }[unit]
    return Predictions(made.rows, value, unit)


def both(made: Predictions, bars: Candles, spec: TradingSpec) -> tuple[Backtest, Backtest]:
    return vectorised.run(made, bars, spec), event_driven.run(made, bars, spec)


def require_equal(fast: Backtest, slow: Backtest) -> None:
    def near(value):
        return pytest.approx(value, rel=1e-9, abs=1e-12)

    assert fast.time.tolist() == slow.time.tolist()
    for name in ("asked", "position", "equity", "held"):
        assert getattr(fast, name) == near(getattr(slow, name)), name
    for name, column in asdict(fast.trades).items():
        assert column == near(getattr(slow.trades, name)), name
    assert fast.trades.profit.sum() == near(fast.performance.total_return)
    for figures, others in ((fast.performance, slow.performance),
                            (fast.buy_and_hold, slow.buy_and_hold)):  # fmt: skip
        for name, value in asdict(figures).items():
            other = getattr(others, name)
            assert value is other is None or value == near(other), name


@pytest.mark.parametrize("seed", range(200))
def test_both_agree_on_random_paths_and_rules(seed, random_path, random_rules):
    bars, made = random_path(seed, move=(0.03, 0.03, 0.3)[seed % 3])
    random = np.random.default_rng([seed, 1])
    require_equal(*both(in_unit(made, UNITS[seed % 4], random), bars, random_rules(random)))


def test_the_random_rules_try_everything(random_path, random_rules):
    """Otherwise both could agree because nothing happens."""
    reasons, sizes, ruined = set(), set(), 0
    for seed in range(200):
        bars, made = random_path(seed, move=(0.03, 0.03, 0.3)[seed % 3])
        random = np.random.default_rng([seed, 1])
        said = in_unit(made, UNITS[seed % 4], random)
        done = vectorised.run(said, bars, random_rules(random))
        reasons |= set(done.trades.reason.tolist())
        ruined += done.performance.total_return == -1
        sizes |= set(np.abs(done.position).round(2).tolist())
    assert reasons == {0, 1, 2, 3}
    assert len(sizes) > 100 and max(sizes) == 4.0
    assert 3 <= ruined <= 50


def test_both_agree_on_real_hours(hours):
    momentum = np.log(hours.close[24:] / hours.close[:-24])
    made = Predictions(np.arange(24, len(hours)), momentum / 100, "return")
    spec = TradingSpec(
        positions="long_short",
        costs=CostSpec(slippage_per_volatility=0.05, spread=1, funding=1),
        sizing=SizingSpec(rule="kelly", limit=2, horizon=24),
        exits=ExitSpec(stop=0.02, take_profit=0.05),
    )
    fast, slow = both(made, hours, spec)
    require_equal(fast, slow)
    assert set(fast.trades.reason.tolist()) == {0, 1, 2, 3}


def test_a_busy_machine_changes_no_trade(hours):
    """Two threads multiply matrices meanwhile; every bit of the tables is the same."""
    momentum = np.log(hours.close[24:] / hours.close[:-24])
    made = Predictions(np.arange(24, len(hours)), momentum / 100, "return")
    spec = TradingSpec(sizing=SizingSpec(rule="volatility_target"), exits=ExitSpec(stop=0.02))
    stop, square = threading.Event(), np.ones((300, 300))

    def load() -> None:
        while not stop.is_set():
            square @ square

    threads = [threading.Thread(target=load) for _ in range(2)]
    idle = tables(vectorised.run(made, hours, spec))
    for thread in threads:
        thread.start()
    try:
        busy = [tables(vectorised.run(made, hours, spec)) for _ in range(3)]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert all(one == idle for one in busy)


def tables(done: Backtest) -> dict[str, bytes]:
    columns = {
        f"{name}.{column}": values.tobytes()
        for name, table in done.tables().items()
        for column, values in table.items()
    }
    assert len(columns) > 10
    return columns
