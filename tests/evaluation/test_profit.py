"""Figures of steps whose worth is known."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest

from atb.config.judgement import SelectionSpec
from atb.evaluation.profit import earned
from atb.evaluation.significance import deflated_sharpe, sharpe

ALONE = SelectionSpec()
HOURS = 8766.0


@dataclass
class Made:
    """As much of a backtest as is read."""

    steps: np.ndarray
    steps_per_year: float | None = HOURS


def returns(mean, seed=0, bars=4000):
    return np.random.default_rng(seed).normal(mean, 0.005, bars)


def test_skill_is_sure_and_luck_is_not():
    skilled, lucky = (earned(Made(returns(mean)), ALONE, 1, 7) for mean in (4e-4, 0.0))
    assert skilled.probabilistic > 0.999
    assert skilled.low > 0
    assert lucky.low < 0 < lucky.high
    scale = HOURS**0.5
    assert skilled.sharpe == pytest.approx(sharpe(returns(4e-4)) * scale)
    assert skilled.standard_error == pytest.approx(scale / 4000**0.5, rel=0.02)
    assert skilled.high - skilled.low == pytest.approx(4 * skilled.standard_error, rel=0.1)
    assert skilled.deflated == skilled.probabilistic


def test_what_was_chosen_from_many_is_less_sure():
    steps = returns(1.5e-4, seed=3)
    found = earned(Made(steps), SelectionSpec(trials=200, deviation=0.01), 1, 7)
    assert found.deflated == deflated_sharpe(steps, 200, 0.01) < found.probabilistic
    assert found.trials == 200


def test_intervals_hold_the_figures():
    steps = returns(1e-4, seed=1)
    found = earned(Made(steps), ALONE, 1, 7)
    equity = np.append(1.0, np.cumprod(1 + steps))
    low, high = found.intervals["total_return"]
    assert low < equity[-1] - 1 < high
    assert np.log((1 + high) / (1 + low)) == pytest.approx(4 * 0.005 * 4000**0.5, rel=0.1)
    low, high = found.intervals["max_drawdown"]
    assert 0 < low < (1 - equity / np.maximum.accumulate(equity)).max() < high < 1
    assert json.dumps(found.to_json(), allow_nan=False)


def test_positions_that_neighbours_share_are_less_sure():
    shared = np.convolve(returns(1e-4, bars=4023), np.ones(24) / 24, "valid")
    alone, together = (earned(Made(shared), ALONE, horizon, 7) for horizon in (1, 24))
    assert alone.high - alone.low < 0.8 * (together.high - together.low)


def test_ticks_are_no_returns():
    steps = np.random.default_rng(0).normal(-0.2, 3, 4000)
    found = earned(Made(steps, None), ALONE, 10, 7)
    assert found.sharpe == sharpe(steps)
    assert list(found.intervals) == ["net_ticks_total"]
    low, high = found.intervals["net_ticks_total"]
    assert low < steps.sum() < high < 0


@pytest.mark.parametrize("steps", [np.zeros(50), np.ones(1), np.empty(0)])
def test_what_never_trades_has_no_figures(steps):
    found = earned(Made(steps), SelectionSpec(trials=3), 1, 7)
    assert (found.sharpe, found.deflated, found.low, found.trials) == (None, None, None, 3)
    assert found.intervals == {}


def test_a_single_lucky_trade_is_not_sure():
    """A third of the resamples miss it; they have earned nothing, not what the others did."""
    steps = np.zeros(300)
    steps[40] = 0.1
    found = earned(Made(steps), ALONE, 1, 7)
    assert found.low == 0 < found.sharpe < found.high


def test_a_ruin_and_a_single_trade_are_measured():
    steps = np.zeros(300)
    steps[40] = -1.0
    found = earned(Made(steps), ALONE, 1, 7)
    assert found.sharpe < 0
    assert found.intervals["max_drawdown"][1] == pytest.approx(1.0)
    assert json.dumps(found.to_json(), allow_nan=False)
