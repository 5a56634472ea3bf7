"""Positions by the unit of the prediction and the rule of sizing, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from atb.backtest import sizing
from atb.backtest.sizing import sides
from atb.config.trading import SizingSpec, TradingSpec

LONG, BOTH = (TradingSpec(positions=sides) for sides in ("long_flat", "long_short"))


def positions(made, spec, timeframe="1h", volatility=np.nan):
    return sizing.positions(made, np.full(len(made), volatility), timeframe, spec)


def sized(rule, **settings):
    return BOTH.model_copy(update={"sizing": SizingSpec(rule=rule, horizon=2, **settings)})


@pytest.mark.parametrize(
    ("unit", "threshold", "value", "expected"),
    [
        ("return", 0.0, [0.001, 0.0, -0.001], [1, 0, -1]),
        ("return", 20.0, [0.0021, 0.0019, -0.0019, -0.0021], [1, 0, 0, -1]),
        ("probability", 0.0, [0.51, 0.5, 0.49], [1, 0, -1]),
        ("probability", 5.0, [0.551, 0.549, 0.451, 0.449], [1, 0, 0, -1]),
        (
            "probabilities",
            0.0,
            [[0.1, 0.7, 0.2], [0.2, 0.6, 0.2], [0.5, 0.1, 0.4]],
            [1, 0, -1],  # flat may be the likeliest
        ),
        (
            "probabilities",
            5.0,
            [[0.2, 0.54, 0.26], [0.2, 0.56, 0.24], [0.24, 0.56, 0.2], [0.26, 0.54, 0.2]],
            [1, 0, 0, -1],
        ),
        ("move", 0.0, [0.1, 0.0, -0.1], [1, 0, -1]),
        ("move", 0.5, [0.51, 0.5, -0.5, -0.51], [1, 0, 0, -1]),
    ],
)
def test_only_what_is_beyond_the_threshold_is_traded(predict, unit, threshold, value, expected):
    made = predict(range(len(value)), value, unit)
    both = BOTH.model_copy(update={"threshold": threshold})
    assert positions(made, both).tolist() == expected
    assert sides(made, threshold).tolist() == expected
    long = LONG.model_copy(update={"threshold": threshold})
    assert positions(made, long).tolist() == [max(position, 0) for position in expected]


@pytest.mark.parametrize(
    ("timeframe", "bars"), [("1h", 365.25 * 24), ("1d", 365.25), ("1m", 365.25 * 1440)]
)
def test_a_volatility_is_held_to_its_target(predict, timeframe, bars):
    annual = np.array([0.1, 0.2, 0.4, 0.8])
    made = predict(range(4), np.log(annual / np.sqrt(bars)), "log_volatility")
    spec = TradingSpec(sizing=SizingSpec(volatility_target=0.2))
    assert positions(made, spec, timeframe) == pytest.approx([1, 1, 0.5, 0.25])


def test_a_volatility_has_no_side_and_no_threshold(predict):
    made = predict(range(3), [-9.0, -6.0, -4.0], "log_volatility")
    both = BOTH.model_copy(update={"threshold": 50.0})
    assert positions(made, both).tolist() == positions(made, LONG).tolist()
    assert np.all(positions(made, both) > 0)


def test_a_market_that_stands_still_is_held_whole(predict):
    made = predict([0], [-1e4], "log_volatility")
    assert positions(made, LONG).tolist() == [1]


@pytest.mark.parametrize(("size", "limit", "held"), [(0.5, 1, 0.5), (2, 1, 1), (2, 3, 2)])
def test_a_fixed_size_is_held_up_to_the_limit(predict, size, limit, held):
    made = predict([0, 1, 2], [0.01, -0.01, 0.0])
    assert positions(made, sized("fixed", size=size, limit=limit)).tolist() == [held, -held, 0]


def test_a_trailing_volatility_is_held_to_its_target(predict):
    made, day = predict([0, 1], [0.01, -0.01]), 0.4 / np.sqrt(365.25)
    spec = sized("volatility_target", volatility_target=0.2)
    assert positions(made, spec, "1d", day) == pytest.approx([0.5, -0.5])
    assert positions(made, spec, "1d", day / 4).tolist() == [1, -1]
    wide = sized("volatility_target", volatility_target=0.2, limit=3)
    assert positions(made, wide, "1d", day / 4) == pytest.approx([2, -2])


@pytest.mark.parametrize(
    ("unit", "value", "whole"),
    [
        ("return", [0.0004, -0.0002], [2.0, -1.0]),  # over two bars with a variance of 1e-4 each
        ("probability", [0.6, 0.45], [0.2, -0.1]),
        ("probabilities", [[0.1, 0.6, 0.3], [0.3, 0.5, 0.2]], [0.5, -0.2]),
    ],
)
def test_kelly_by_hand(predict, unit, value, whole):
    made = predict([0, 1], value, unit)
    half = positions(made, sized("kelly", limit=10), volatility=0.01)
    assert half == pytest.approx([part / 2 for part in whole])
    capped = positions(made, sized("kelly", kelly_fraction=1, limit=0.15), volatility=0.01)
    assert capped == pytest.approx(np.clip(whole, -0.15, 0.15))


@pytest.mark.parametrize("rule", ["volatility_target", "kelly"])
def test_what_needs_a_volatility_holds_nothing_without_one(predict, rule):
    made = predict([0, 1], [0.01, -0.01])
    assert positions(made, sized(rule)).tolist() == [0, 0]
    assert positions(made, sized(rule), volatility=0.0).tolist() == [1, -1]  # stands still


def test_kelly_must_know_over_how_many_bars_a_return_is_predicted(predict):
    spec = BOTH.model_copy(update={"sizing": SizingSpec(rule="kelly")})
    with pytest.raises(ValueError, match="horizon is None"):
        positions(predict([0], [0.01]), spec, volatility=0.01)
    assert positions(predict([0], [1e-5]), spec.over(5), volatility=0.01) == pytest.approx([0.01])
