"""Each feature TA-Lib does not know, on bars whose value can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from atb.config.features import FEATURES

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

BEFORE = (100.0, 100.0, 100.0, 100.0, 30.0)
BAR = (101.0, 108.0, 98.0, 104.0, 10.0)  # open, high, low, close, volume


def value(name: str, *bars: tuple[float, ...]) -> float:
    """The feature's one value on its lookback and own bar; the first bar given is repeated."""
    from atb.features.bars import Bars
    from atb.features.layer import function_of

    feature = FEATURES[name]
    rows = [bars[0]] * (feature.lookback + 1 - len(bars)) + list(bars)
    rows = rows[len(rows) - feature.lookback - 1 :]
    made = function_of(feature)(Bars(np.array([rows], np.float32)), *feature.parameters)
    assert made.shape == (1, 1, 1)
    return float(made[0, 0, 0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("log_return_1", math.log(1.04)),
        ("open_gap", math.log(1.01)),
        ("high_distance", math.log(108 / 104)),
        ("low_distance", math.log(98 / 104)),
        ("volume_ratio_20", (10 - 29) / (10 + 29)),
        ("volume_change", -0.5),
        ("body", 0.3),
        ("upper_shadow", 0.4),
        ("lower_shadow", 0.3),
        ("realised_volatility_5", math.log(1.04) / math.sqrt(5)),
        ("parkinson_20", math.log(108 / 98) / math.sqrt(20 * 4 * math.log(2))),
        (
            "garman_klass_20",
            math.sqrt(
                (math.log(108 / 98) ** 2 / 2 - (2 * math.log(2) - 1) * math.log(104 / 101) ** 2)
                / 20
            ),
        ),
        ("range_ratio_14", 13 / 15),  # the true range is 14 times its average: (14 - 1) / (14 + 1)
        ("channel_width_20", math.log(108 / 98)),
        ("efficiency_20", 1.0),
        ("chaikin_money_flow_20", 10 * 0.2 / (19 * 30 + 10)),
        ("money_flow_index_14", 1.0),
        ("rsi_14", 1.0),
        ("directional_movement_14", 0.8),  # up 8, down 2: the larger counts, of a true range of 10
        ("stochastic_k_14", 0.6),
        ("bollinger_position_20", 0.5 + (104 - 100.2) / (4 * math.sqrt(19) / 5)),
    ],
)
def test_by_hand(name: str, expected: float) -> None:
    assert value(name, BEFORE, BAR) == pytest.approx(expected, rel=2e-6)


@pytest.mark.parametrize("name", FEATURES)
def test_bars_that_never_move_are_neutral(name: str) -> None:
    neutral = 0.5 if FEATURES[name].unit.startswith("0 ") and "shadow" not in name else 0.0
    assert value(name, BEFORE) == pytest.approx(neutral, abs=1e-7)
