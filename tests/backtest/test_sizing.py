"""Positions by the rule of each unit."""

from __future__ import annotations

import numpy as np
import pytest

from atb.backtest.sizing import positions, sides
from atb.config.trading import TradingSpec

LONG, BOTH = (TradingSpec(positions=sides) for sides in ("long_flat", "long_short"))


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
    assert positions(made, both, "1h").tolist() == expected
    assert sides(made, threshold).tolist() == expected
    long = LONG.model_copy(update={"threshold": threshold})
    assert positions(made, long, "1h").tolist() == [max(position, 0) for position in expected]


@pytest.mark.parametrize(
    ("timeframe", "bars"), [("1h", 365.25 * 24), ("1d", 365.25), ("1m", 365.25 * 1440)]
)
def test_a_volatility_is_held_to_its_target(predict, timeframe, bars):
    annual = np.array([0.1, 0.2, 0.4, 0.8])
    made = predict(range(4), np.log(annual / np.sqrt(bars)), "log_volatility")
    spec = TradingSpec(volatility_target=0.2)
    assert positions(made, spec, timeframe) == pytest.approx([1, 1, 0.5, 0.25])


def test_a_volatility_has_no_side_and_no_threshold(predict):
    made = predict(range(3), [-9.0, -6.0, -4.0], "log_volatility")
    both = BOTH.model_copy(update={"threshold": 50.0})
    assert positions(made, both, "1h").tolist() == positions(made, LONG, "1h").tolist()
    assert np.all(positions(made, both, "1h") > 0)


def test_a_market_that_stands_still_is_held_whole(predict):
    made = predict([0], [-1e4], "log_volatility")
    assert positions(made, LONG, "1h").tolist() == [1]
