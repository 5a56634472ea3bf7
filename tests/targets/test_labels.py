from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.targets import DirectionTarget, ReturnTarget
from atb.errors import DataError
from atb.market.candles import Candles
from atb.targets.build import build
from atb.targets.labels import Labels

HOUR = 3_600_000


def candles(close: list[float], hours: list[int] | None = None) -> Candles:
    c = np.asarray(close, float)
    time = np.asarray(hours if hours is not None else range(len(c))) * HOUR
    return Candles("BTCUSDT", "1h", time, c, c, c, c, np.ones(len(c)))


def test_return_is_the_log_ratio_of_closes_and_known_at_the_later_bar() -> None:
    labels = build(ReturnTarget(horizon=2), candles([1.0, 2.0, 4.0, 2.0]))
    np.testing.assert_allclose(labels.value[:2, 0], [np.log(4.0), 0.0])
    assert np.isnan(labels.value[2:]).all()
    assert labels.known_at.tolist() == [2, 3, 4, 4]


def test_direction_is_one_only_for_a_higher_close() -> None:
    labels = build(DirectionTarget(), candles([1.0, 2.0, 2.0, 1.0]))
    assert labels.value[:3, 0].tolist() == [1.0, 0.0, 0.0]
    assert np.isnan(labels.value[3])


def test_several_horizons_are_the_single_ones_side_by_side() -> None:
    series = candles([1.0, 2.0, 4.0, 2.0, 3.0])
    for spec in (ReturnTarget, DirectionTarget):
        labels = build(spec(horizon=(1, 3)), series)
        single = [build(spec(horizon=horizon), series) for horizon in (1, 3)]
        np.testing.assert_array_equal(labels.value, np.hstack([one.value for one in single]))
        assert labels.known_at.tolist() == [3, 4, 5, 5, 5]  # all of them, or never


def test_no_label_reaches_across_a_gap() -> None:
    gapped = candles([1.0, 2.0, 3.0, 4.0], hours=[0, 1, 5, 6])
    labels = build(ReturnTarget(), gapped)
    assert np.isnan(labels.value[:, 0]).tolist() == [False, True, False, True]
    assert np.isfinite(build(ReturnTarget(), gapped, max_gap=3).value[:3]).all()


def test_scaling_is_fitted_on_the_given_rows_alone() -> None:
    series = candles([1.0, 2.0, 1.0, 2.0, 100.0, 1.0])
    labels = build(ReturnTarget(), series)
    scale, offset = labels.scaling(np.array([0, 1, 2]))
    assert scale == pytest.approx(np.std([np.log(2), -np.log(2), np.log(2)]))
    assert offset == pytest.approx(np.log(2) / 3)
    assert build(DirectionTarget(), series).scaling(np.array([0, 1])) == (1.0, 0.0)
    scales, _ = build(ReturnTarget(horizon=(1, 2)), series).scaling(np.array([0, 1, 2]))
    assert scales == pytest.approx([scale[0], np.std([0.0, 0.0, np.log(100)])])


def test_each_horizon_has_its_own_scale() -> None:
    series = candles([1.0, 2.0, 1.0, 2.0, 100.0, 1.0])
    labels = build(ReturnTarget(horizon=(1, 2)), series)
    rows = np.array([0, 1, 2])
    scale, offset = labels.scaling(rows)
    assert scale == pytest.approx(labels.value[rows].std(axis=0))
    assert offset == pytest.approx(labels.value[rows].mean(axis=0))


@settings(max_examples=200, deadline=None)
@given(
    closes=st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=40),
    horizon=st.integers(1, 12),
    data=st.data(),
)
def test_later_prices_never_change_a_label_already_known(
    closes: list[float], horizon: int, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(closes)))
    whole = build(ReturnTarget(horizon=horizon), candles(closes))
    before = build(ReturnTarget(horizon=horizon), candles(closes[:cut]))
    known = whole.known_at < cut
    np.testing.assert_array_equal(whole.value[known], before.value[known[:cut].nonzero()[0]])
    assert np.isnan(before.value[~known[:cut]]).all()


def pending(*moves: tuple[float, int]) -> Labels:
    """Moves of two horizons, alike, each so many times."""
    value = np.repeat([move for move, _ in moves], [count for _, count in moves])
    return Labels(np.stack([value, value], axis=1), np.arange(len(value)), 3, pending=(10, 50))


@pytest.mark.parametrize(
    ("moves", "threshold", "classes"),
    [
        ([(0, 30), (0.5, 40), (-0.5, 30)], 0, [30, 30, 40]),
        ([(0.1, 5), (0.5, 20), (-0.5, 15), (1, 30), (-1, 30)], 0.5, [30, 40, 30]),
        ([(0, 40), (0.5, 40), (-0.5, 20)], 0, [20, 40, 40]),
        ([(0, 20), (0.5, 60), (-1, 20)], 0, [20, 20, 60]),
    ],
)
def test_where_many_moves_are_the_threshold_the_nearer_to_a_third_is_taken(
    moves: list[tuple[float, int]], threshold: float, classes: list[int]
) -> None:
    labels = pending(*moves)
    settled = labels.settled(np.arange(len(labels.value)))
    assert settled.thresholds.tolist() == [threshold] * 2
    for column in settled.value.T:
        assert np.bincount(column.astype(int)).tolist() == classes


@pytest.mark.parametrize(
    ("moves", "absent"),
    [([(0, 100)], "down"), ([(0, 30), (1, 70)], "down"), ([(0, 30), (-1, 70)], "up")],
)
def test_a_class_without_a_train_row_is_refused(
    moves: list[tuple[float, int]], absent: str
) -> None:
    labels = pending(*moves)
    with pytest.raises(DataError, match=f"of 100 train rows is {absent} over the next 10") as error:
        labels.settled(np.arange(100))
    assert "longer" in error.value.remedy and "basis points" in error.value.remedy
