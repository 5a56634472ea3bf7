"""Positions by threshold, in the unit of the predictions."""

from __future__ import annotations

import pytest

from atb.backtest.sizing import positions
from atb.config.trading import TradingSpec


@pytest.mark.parametrize(
    ("unit", "threshold", "value", "expected"),
    [
        ("return", 0.0, [0.001, 0.0, -0.001], [1, 0, -1]),
        ("return", 20.0, [0.0021, 0.0019, -0.0019, -0.0021], [1, 0, 0, -1]),
        ("probability", 0.0, [0.51, 0.5, 0.49], [1, 0, -1]),
        ("probability", 5.0, [0.551, 0.549, 0.451, 0.449], [1, 0, 0, -1]),
    ],
)
def test_only_what_is_beyond_the_threshold_is_traded(predict, unit, threshold, value, expected):
    made = predict(range(len(value)), value, unit)
    both = TradingSpec(positions="long_short", threshold=threshold)
    assert positions(made, both).tolist() == expected
    long = TradingSpec(positions="long_flat", threshold=threshold)
    assert positions(made, long).tolist() == [max(position, 0) for position in expected]
