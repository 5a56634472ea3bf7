"""Two backtests side by side: by hand, against resampling by loops, and where chance decides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from atb import bootstrap
from atb.backtest.comparison import FEWEST_STEPS, SEED, compare, side_by_side
from atb.backtest.result import Backtest
from atb.backtest.vectorised import run
from atb.config.trading import CostSpec, TradingSpec
from atb.errors import DataError

FREE = CostSpec(buy_fee=0, sell_fee=0, slippage=0)


@pytest.fixture
def backtest(make, predict):
    def backtest(steps: np.ndarray) -> Backtest:
        """One that makes these returns."""
        bars = make(np.full(len(steps) + 1, 100.0), 100)
        done = run(predict(np.arange(len(steps)), np.ones(len(steps))), bars, TradingSpec())
        return replace(done, equity=np.cumprod(np.append(1.0, 1 + steps)))

    return backtest


def noise(count: int, seed: int, mean: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.01, count)


def test_the_differences_are_those_of_every_resample_looked_at_alone(backtest):
    one, other = noise(200, 0), noise(200, 1, 0.001)
    found = compare(backtest(one), backtest(other), 1)
    assert (found.steps, found.mean.estimate) == (200, pytest.approx(one.mean() - other.mean()))
    year = np.sqrt(365.25 * 24)
    assert found.sharpe.first == pytest.approx(one.mean() / one.std() * year)
    blocks = -(-200 // found.block)
    starts = np.random.default_rng(SEED).integers(0, 200, (bootstrap.RESAMPLES, blocks), np.int32)
    means, ratios = [], []
    for begin in starts:
        rest = 200 - (blocks - 1) * found.block
        lengths = [rest] + [found.block] * (blocks - 1)
        rows = np.concatenate(
            [np.arange(b, b + n) % 200 for b, n in zip(begin, lengths, strict=True)]
        )
        a, b = one[rows], other[rows]
        means.append(a.mean() - b.mean())
        ratios.append((a.mean() / a.std() - b.mean() / b.std()) * year)
    draws = 200 / found.block
    edge = stats.t.ppf(0.975, int(draws) - 1) * np.sqrt(draws / (draws - 1))
    tail = stats.norm.cdf(-edge)
    for difference, samples in ((found.mean, means), (found.sharpe, ratios)):
        expected = np.quantile(samples, [tail, 1 - tail])
        assert [difference.low, difference.high] == pytest.approx(expected, rel=1e-6)


def test_what_moves_both_cancels_out(backtest):
    """A thousandth a step is nothing beside steps of a hundredth, but they are the same steps."""
    market = noise(500, 0)
    paired = compare(backtest(market + 0.0005), backtest(market), 1)
    assert "A earned more" in paired.words
    assert "B earned more" in compare(backtest(market), backtest(market + 0.0005), 1).words
    alone = compare(backtest(noise(500, 1) + 0.0005), backtest(market), 1)
    assert "no evidence" in alone.words


def test_steps_that_depend_on_each_other_for_long_say_less(backtest):
    shared = np.convolve(noise(523, 1), np.ones(24) / 24, "valid")
    alone, together = (compare(backtest(shared), backtest(noise(500, 2) / 100), h) for h in (1, 24))
    assert alone.mean.high - alone.mean.low < 0.8 * (together.mean.high - together.mean.low)


def test_equal_models_are_said_to_be_no_better(backtest):
    same = backtest(noise(100, 0))
    found = compare(same, same, 1)
    assert (found.mean.low, found.mean.high, found.sharpe.estimate) == (0, 0, 0)
    assert "no evidence" in found.words


def test_who_loses_less_has_not_earned(backtest):
    market = noise(500, 0, -0.01)
    assert "A lost less than B" in compare(backtest(market + 0.0005), backtest(market), 1).words


def test_both_curves_stand_side_by_side(backtest):
    one, other = backtest(noise(30, 0)), backtest(noise(50, 1))
    table = side_by_side(one, other)
    assert table["time"].astype(np.int64).tolist() == other.time.tolist()
    assert table["a"].tolist() == [*one.equity.tolist(), *[one.equity[-1]] * 20]
    assert table["b"].tolist() == other.equity.tolist()


def test_where_one_ends_first_it_makes_nothing_meanwhile(backtest):
    short, long = noise(30, 0), noise(50, 1)
    for found, first, second in (
        (compare(backtest(short), backtest(long), 1), short, long),
        (compare(backtest(long), backtest(short), 1), long, short),
    ):
        assert found.steps == 50
        assert found.mean.first == pytest.approx(first.sum() / 50)
        assert found.mean.second == pytest.approx(second.sum() / 50)


def test_what_never_varies_has_no_sharpe_ratio(backtest):
    for steady in (np.zeros(100), np.full(100, 0.001)):
        assert compare(backtest(noise(100, 0)), backtest(steady), 1).sharpe is None
    found = compare(backtest(noise(100, 0)), backtest(np.zeros(100)), 1)
    assert found.to_json()["sharpe"] is None


def test_twenty_models_without_skill_are_rarely_called_better(backtest):
    """At 95 % one of twenty pairs is; three would be much."""
    calls = [compare(backtest(noise(300, n)), backtest(noise(300, 100 + n)), 1) for n in range(20)]
    assert sum("no evidence" not in call.words for call in calls) <= 3


def test_one_lucky_trade_has_no_sure_sharpe_ratio(backtest):
    idle, lucky = np.tile([1e-9, -1e-9], 100), np.zeros(200)
    lucky[40] = 0.1
    found = compare(backtest(lucky), backtest(idle), 1)
    assert found.sharpe.low <= 0 < found.sharpe.estimate


def test_too_few_rows_and_other_rows_are_refused(backtest):
    few = backtest(noise(FEWEST_STEPS - 1, 0))
    with pytest.raises(DataError, match="19 rows say nothing"):
        compare(few, few, 1)
    one = backtest(noise(50, 0))
    with pytest.raises(DataError, match="not traded over the same rows"):
        compare(one, replace(one, time=one.time + 1), 1)
