"""What the rules of trading say of themselves, and what they refuse."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from atb.config.trading import (
    BondTrading,
    CostSpec,
    ExitSpec,
    SizingSpec,
    TouchTrading,
    TradingSpec,
)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (TradingSpec(), "long/flat, 12 basis points a side"),
        (
            TradingSpec(positions="long_short", costs=CostSpec(sell_fee=5, spread=1, funding=2)),
            "long/short, 12.5 basis points to buy, 7.5 to sell and 2 for every 8 hours",
        ),
        (
            TradingSpec(
                costs=CostSpec(slippage_per_volatility=0.1),
                sizing=SizingSpec(rule="kelly", limit=2),
                exits=ExitSpec(stop=0.02, take_profit=0.05),
            ),
            "long/flat, 0.5 of Kelly, at most 2 times the equity, stopped at a loss of 0.02 of the "
            "price, closed at a gain of 0.05 of the price, 12 basis points a side and 0.1 of the "
            "volatility",
        ),
        (TradingSpec(sizing=SizingSpec(size=0.5)), "long/flat, 0.5 times the equity, 12 basis"),
        (TradingSpec(sizing=SizingSpec(size=3)), "long/flat, 12 basis points a side"),
        (
            TradingSpec(sizing=SizingSpec(size=3, limit=2)),
            "long/flat, 2 times the equity, 12 basis",
        ),
    ],
)
def test_what_is_not_as_usual_is_said(spec, said):
    assert spec.said("return").startswith(said)


def test_of_bonds_it_is_said_what_is_not_counted():
    said = "long/short, 1.28125 basis points a side; carry, roll-down and the daily new bond"
    assert BondTrading().said("return").startswith(said)


def test_a_forecast_of_volatility_is_always_aimed():
    spec = TradingSpec(positions="long_short", sizing=SizingSpec(rule="kelly"))
    assert spec.said("log_volatility").startswith("long, aimed at a volatility of 20% a year, 12")


def test_the_horizon_is_that_which_is_traded_unless_told():
    assert TradingSpec().over(5).sizing.horizon == 5
    assert TradingSpec(sizing=SizingSpec(horizon=2)).over(5).sizing.horizon == 2


@pytest.mark.parametrize(
    ("spec", "fields"),
    [
        (CostSpec, {"buy_fee": -1.0}),
        (CostSpec, {"fee": 1.0}),
        (SizingSpec, {"rule": "martingale"}),
        (SizingSpec, {"limit": 0.0}),
        (SizingSpec, {"kelly_fraction": 1.5}),
        (ExitSpec, {"stop": 1.0}),
        (ExitSpec, {"take_profit": 0.0}),
    ],
)
def test_what_makes_no_sense_is_refused(spec, fields):
    with pytest.raises(ValidationError):
        spec(**fields)


@pytest.mark.parametrize("spec", [TradingSpec(), TouchTrading()])
def test_every_option_stands_for_a_field(spec):
    for dotted in (field for fields in spec.options.values() for field in fields):
        holder = spec
        for part in dotted.split("."):
            assert part in type(holder).model_fields
            holder = getattr(holder, part)
