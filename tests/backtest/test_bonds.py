"""Days of a bond are traded as bars that open where the day before closed."""

from __future__ import annotations

import numpy as np
import pytest

from atb.backtest import event_driven, hooks, vectorised
from atb.backtest.predictions import Predictions
from atb.config.trading import BondTrading, CostSpec
from atb.market.bonds import sample
from atb.market.bonds.bonds import COLUMNS, Bonds
from atb.market.bonds.build import build

FREE = CostSpec(buy_fee=0, sell_fee=0, slippage=0)
BASIS_POINT = 1e-4


def index(*price: float) -> Bonds:
    """Days from a Monday on with these prices; nothing else is traded by."""
    values = np.ones((len(price), len(COLUMNS)))
    values[:, 0] = price
    return Bonds("UST10Y", 1_704_067_200_000 + 86_400_000 * np.arange(len(price)), values)


def test_what_is_predicted_on_a_day_is_made_on_the_next_by_hand():
    said = Predictions(np.array([0, 1]), np.array([0.01, -0.01]), "return")
    done = vectorised.run(said, index(100, 101, 99.99), BondTrading(costs=FREE))
    assert done.position.tolist() == [1, -1]
    assert done.equity.tolist() == pytest.approx([1, 1.01, 1.01 * (1 + 0.01)])


def test_a_side_costs_half_a_64th_of_a_point_and_half_a_basis_point():
    said = Predictions(np.array([0]), np.array([0.01]), "return")
    done = vectorised.run(said, index(100, 100), BondTrading())
    side = (100 / 64 / 2 + 0.5) * BASIS_POINT
    assert done.equity[-1] == pytest.approx((1 - side) ** 2)
    assert BondTrading().costs.spread == 100 / 64


def test_with_and_without_a_loop_the_same_is_made():
    bonds, random = build(sample.simulate(400), "UST10Y"), np.random.default_rng(1)
    rows = np.flatnonzero(random.random(400) < 0.8)
    said = Predictions(rows, random.normal(0, 0.01, len(rows)), "return")
    one, other = (run(said, bonds, BondTrading()) for run in (vectorised.run, event_driven.run))
    np.testing.assert_allclose(one.equity, other.equity, atol=1e-9)


def test_the_hook_of_bonds_is_the_one_of_candles():
    found = hooks.find(BondTrading())
    said = Predictions(np.array([0]), np.array([0.01]), "return")
    assert found(said, index(100, 102), BondTrading(costs=FREE)).curves[0][-1] == 1.02
