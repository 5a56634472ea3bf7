"""Each feature TA-Lib does not know, on bars and on a book whose values are worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from atb.config.features import CATALOGUE, FEATURES

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


@pytest.mark.parametrize("name", [feature.name for feature in CATALOGUE])
def test_bars_that_never_move_are_neutral(name: str) -> None:
    neutral = 0.5 if FEATURES[name].unit.startswith("0 ") and "shadow" not in name else 0.0
    assert value(name, BEFORE) == pytest.approx(neutral, abs=1e-7)


LADDER = (  # ask price, ask size, bid price, bid size of two levels
    (102, 10, 100, 20, 103, 5, 99, 7),
    (102, 10, 101, 6, 103, 5, 100, 20),  # a better bid
    (103, 5, 101, 9, 105, 8, 100, 20),  # the ask taken, the bid grown
    (102, 4, 100, 20, 103, 5, 99, 7),  # the bid taken, a better ask
    (102, 1, 100, 20, 103, 5, 98, 2),  # the ask shrunk
)
FLOW = ((0, 0), (0, 0.5), (10, 0.1), (-9, 0.0), (3, 0.4))  # traded, seconds
FIVE_ROWS = np.array([[(*row, *flow) for row, flow in zip(LADDER, FLOW, strict=True)]], np.float32)


def squashed(*numbers: float) -> npt.NDArray[np.float64]:
    return np.array([math.copysign(math.log1p(abs(number)), number) for number in numbers])


def made(group: str, function: str, *parameters: int) -> npt.NDArray[np.float32]:
    """What a function makes of the five rows: `[5 - lookback, width]`."""
    from importlib import import_module

    from atb.features.levels import Levels

    module = import_module(f"atb.features.{group}")
    return np.asarray(getattr(module, function)(Levels(FIVE_ROWS), *parameters))[0]


def test_order_flow_by_hand() -> None:
    from atb.features.levels import Levels

    levels = Levels(FIVE_ROWS)
    np.testing.assert_array_equal(levels.ask_flow[0], [[0, 0], [-10, -5], [4, 5], [-3, 0]])
    np.testing.assert_array_equal(levels.bid_flow[0], [[6, 20], [3, 0], [-9, -20], [0, -7]])
    np.testing.assert_array_equal(levels.flow_imbalance[0], [[6, 20], [13, 5], [-13, -25], [3, -7]])


@pytest.mark.parametrize(
    ("group", "function", "parameters", "last"),
    [
        ("order_flow", "ofi", (1,), squashed(3)),
        ("order_flow", "ofi", (3,), squashed(13 - 13 + 3)),
        ("order_flow", "ofi", (4,), squashed(6 + 13 - 13 + 3)),
        ("order_flow", "mlofi", (2, 2), squashed(-13 + 3, -25 - 7)),
        ("order_flow", "of", (2,), squashed(-3, 0, 0, -7)),
        ("quotes", "spread", (), squashed(2)),
        ("quotes", "weighted_mid", (), squashed((102 * 20 + 100 * 1) / 21 - 101)),
        ("quotes", "queues", (), squashed(1, 20)),
        ("quotes", "mid_change", (1,), squashed(0)),
        ("quotes", "mid_change", (2,), squashed(-1)),
        ("quotes", "mid_change", (3,), squashed(-0.5)),
        ("quotes", "mid_volatility", (4,), squashed(math.sqrt((0.25 + 0.25 + 1 + 0) / 4))),
        ("depth", "imbalance", (2,), [19 / 21, -3 / 7]),
        ("depth", "depth_imbalance", (1,), [19 / 21]),
        ("depth", "depth_imbalance", (2,), [(22 - 6) / 28]),
        ("depth", "skew", (2,), squashed(1 - 2)),
        ("trades", "trade_sign", (), [1]),
        ("trades", "trade_imbalance", (3,), [4 / 22]),
        ("trades", "trade_imbalance", (1,), [1]),
        ("trades", "trade_share", (4,), [3 / 4]),
        ("trades", "traded_volume", (4,), squashed(22)),
        ("trades", "row_rate", (2,), [-math.log(0.001 + 0.2)]),
        ("ladder", "raw", (2,), LADDER[-1]),
        ("ladder", "raw", (1,), LADDER[-1][:4]),
    ],
)
def test_books_by_hand(
    group: str, function: str, parameters: tuple[int, ...], last: npt.ArrayLike
) -> None:
    np.testing.assert_allclose(made(group, function, *parameters)[-1], last, rtol=1e-6, atol=1e-7)


def test_nothing_traded_is_balanced() -> None:
    assert made("trades", "trade_imbalance", 2).ravel().tolist()[0] == 0


@pytest.mark.parametrize("level", [0, 58_000, 10_000_000])
def test_a_ladder_is_normalised_by_the_rows_before(level: int) -> None:
    from atb.features.ladder import normalised
    from atb.features.levels import Levels

    book = FIVE_ROWS.copy()
    book[:, :, [0, 2, 4, 6]] += level
    scores = np.asarray(normalised(Levels(book), 2, 4))
    assert scores.shape == (1, 1, 8)
    past, now = np.array(LADDER[:4], np.float64), np.array(LADDER[4], np.float64)
    for side, seen in ((0, lambda x: x), (1, np.log1p)):
        values = seen(past[:, side::2])
        expected = (seen(now[side::2]) - values.mean()) / values.std()
        np.testing.assert_allclose(scores[0, 0, side::2], expected, rtol=0, atol=1e-6)
