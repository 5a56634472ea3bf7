"""The published forms by hand and against a plain loop, sessions, and thresholds of train rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.targets import MidChangeTarget, MidPriceTarget
from atb.errors import DataError
from atb.targets.build import build

MIDS = [100.0, 102.0, 104.0, 100.0, 96.0, 98.0, 100.0, 110.0]
nan = np.nan


def moves(book, **fields):
    """Moves in basis points `[N]` of one horizon, before any threshold, and when each is known."""
    labels = build(MidPriceTarget(**fields), book)
    assert labels.pending
    assert labels.thresholds is None
    return labels.value[:, 0] if np.ndim(fields["horizon"]) == 0 else labels.value, labels.known_at


@pytest.mark.parametrize(
    ("smoothing", "length", "expected"),
    [
        # the mean of the next two against the present one
        ("ahead", 1, [3 / 100, 0, -6 / 104, -3 / 100, 3 / 96, 7 / 98, nan, nan]),
        # ... against the mean of the present one and the one before
        ("both", 1, [nan, 1 / 101, -5 / 103, -5 / 102, 1 / 98, 8 / 97, nan, nan]),
        # one mid two events ahead against the present one
        ("apart", 1, [4 / 100, -2 / 102, -8 / 104, -2 / 100, 4 / 96, 12 / 98, nan, nan]),
        # two mids, and three that are cut to the horizon of two: the same as `both`
        ("apart", 2, [nan, 1 / 101, -5 / 103, -5 / 102, 1 / 98, 8 / 97, nan, nan]),
        ("apart", 3, [nan, 1 / 101, -5 / 103, -5 / 102, 1 / 98, 8 / 97, nan, nan]),
    ],
)
def test_by_hand_over_two_events(make_book, smoothing, length, expected):
    value, known_at = moves(make_book(MIDS), horizon=2, smoothing=smoothing, length=length)
    np.testing.assert_allclose(value, 1e4 * np.array(expected), rtol=1e-12)
    unknown = np.isnan(expected)
    assert known_at.tolist() == np.where(unknown, 8, np.arange(8) + 2).tolist()


def test_smoothing_apart_from_the_horizon_by_hand(make_book):
    """Means of two mids, three events apart: first those of (100, 102) and (100, 96)."""
    value, _ = moves(make_book(MIDS), horizon=3, smoothing="apart", length=2)
    expected = [nan, -3 / 101, -6 / 103, -3 / 102, 7 / 98, nan, nan, nan]
    np.testing.assert_allclose(value, 1e4 * np.array(expected), rtol=1e-12)


def test_a_threshold_in_basis_points_by_hand(make_book):
    spec = MidPriceTarget(horizon=2, smoothing="ahead", threshold=300)
    labels = build(spec, make_book(MIDS))
    assert labels.value[:6, 0].tolist() == [1, 1, 0, 1, 2, 2]  # 3 of 100 is exactly 300
    assert np.isnan(labels.value[6:]).all()
    assert labels.thresholds.tolist() == [300]
    assert labels.settled(np.arange(3)) is labels
    assert labels.classes == 3


def test_a_change_of_the_mid_by_hand(make_book):
    labels = build(MidChangeTarget(horizon=(1, 3)), make_book(MIDS[:5]))
    expected = [[200, 0], [10_000 * 2 / 102, -10_000 * 6 / 102], [-10_000 * 4 / 104, nan]]
    np.testing.assert_allclose(labels.value[:3], expected)
    assert labels.known_at.tolist() == [3, 4, 5, 5, 5]
    assert labels.classes == 1


@pytest.mark.parametrize(
    ("smoothing", "known"), [("ahead", [0, 1, 4, 5]), ("both", [1, 5]), ("apart", [1, 5])]
)
def test_no_mean_reaches_into_another_session_on_either_side(make_book, smoothing, known):
    book = make_book(MIDS, session=[0, 0, 0, 0, 3, 3, 3, 3])
    value, known_at = moves(book, horizon=2, smoothing=smoothing, length=2)
    assert np.flatnonzero(np.isfinite(value)).tolist() == known
    assert np.flatnonzero(known_at < 8).tolist() == known


def test_an_empty_side_has_no_mid_and_so_no_label_around_it(make_book):
    value, known_at = moves(make_book([*MIDS[:3], nan, *MIDS[4:]]), horizon=2, smoothing="both")
    assert np.flatnonzero(np.isfinite(value)).tolist() == [5]
    assert known_at.tolist() == [8, 8, 8, 8, 8, 7, 8, 8]


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(["ahead", "both", "apart"]),
    st.integers(1, 9),
    st.integers(1, 12),
)
def test_it_is_that_of_a_plain_loop(make_book, seed, smoothing, horizon, length):
    random = np.random.default_rng(seed)
    session = np.cumsum(random.random(60) < 0.05)
    mid = 1000.0 + np.cumsum(random.integers(-3, 4, 60))
    book = make_book(mid, session)
    value, known_at = moves(book, horizon=horizon, smoothing=smoothing, length=length)
    n = min(length, horizon) if smoothing == "apart" else horizon
    for t in range(60):
        start = t if smoothing == "ahead" else t - n + 1
        if start < 0 or t + horizon >= 60 or session[start] != session[t + horizon]:
            assert np.isnan(value[t])
            assert known_at[t] == 60
            continue
        before = mid[start : t + 1].mean()
        after = mid[t + horizon - n + 1 : t + horizon + 1].mean()
        assert value[t] == pytest.approx(1e4 * (after / before - 1), abs=1e-7)
        assert known_at[t] == t + horizon


@pytest.mark.parametrize("smoothing", ["ahead", "both", "apart"])
def test_what_did_not_move_is_exactly_zero(make_book, smoothing):
    still = make_book(np.full(300, 57_137), tick=0.01)
    value, _ = moves(still, horizon=70, smoothing=smoothing, length=70)
    assert np.unique(value[np.isfinite(value)]).tolist() == [0]


@pytest.mark.parametrize("smoothing", ["both", "apart"])
def test_equal_means_of_unequal_mids_are_exactly_zero_apart(make_book, smoothing):
    """What rounding leaves would be a class of its own where the threshold is zero."""
    random = np.random.default_rng(0)
    half = random.integers(57_100, 57_110, 50)
    for _ in range(20):
        book = make_book(np.concatenate([half, random.permutation(half)]), tick=0.01)
        assert moves(book, horizon=50, smoothing=smoothing, length=50)[0][49] == 0


def walk(rows, seed=5, step=3):
    random = np.random.default_rng(seed)
    return 50_000.0 + np.cumsum(random.integers(-step, step + 1, rows))


def test_balanced_thresholds_leave_a_third_of_train_rows_in_the_middle(make_book):
    labels = build(MidPriceTarget(horizon=(10, 50)), make_book(walk(6000)))
    train = np.flatnonzero(np.isfinite(labels.value).all(axis=1))[:3000]
    settled = labels.settled(train)
    shares = [np.mean(settled.value[train] == one, axis=0) for one in range(3)]
    assert shares[1] == pytest.approx([1 / 3, 1 / 3], abs=1e-3)
    assert np.min(shares) > 0.25
    assert settled.thresholds[1] > settled.thresholds[0] > 0
    assert not settled.pending
    assert settled.known_at is labels.known_at
    np.testing.assert_array_equal(np.isnan(settled.value), np.isnan(labels.value))


def test_rows_beyond_train_have_no_say_in_thresholds(make_book):
    mid = walk(4000)
    later = mid.copy()
    later[2100:] = mid[2100] + 40 * (mid[2100:] - mid[2100])
    train = np.arange(100, 2000)
    first, second = (
        build(MidPriceTarget(horizon=(10, 50)), make_book(one)).settled(train)
        for one in (mid, later)
    )
    assert first.thresholds.tobytes() == second.thresholds.tobytes()
    assert first.value[train].tobytes() == second.value[train].tobytes()
    assert np.nanmean(second.value[2200:] == 1) < 0.1  # the prices did change


def test_a_train_row_without_a_label_is_a_mistake(make_book):
    labels = build(MidPriceTarget(horizon=10, smoothing="both"), make_book(walk(100)))
    with pytest.raises(ValueError, match="2 train rows have no label"):
        labels.settled(np.arange(7, 50))


def test_where_more_than_a_third_never_moved_the_threshold_is_zero(make_book):
    random = np.random.default_rng(2)
    mid = 1000.0 + np.cumsum(random.choice([-1, 0, 1], 4000, p=[0.01, 0.98, 0.01]))
    labels = build(MidPriceTarget(horizon=10, smoothing="ahead"), make_book(mid))
    train = np.arange(3000)
    settled = labels.settled(train)
    assert settled.thresholds.tolist() == [0]
    still = np.mean(labels.value[train] == 0)
    assert still > 0.5
    assert np.mean(settled.value[train] == 1) == still


@pytest.mark.parametrize("mid", [[1.0, 2.0, 0.0, 3.0], [1.0, -2.0, 4.0, 3.0]])
def test_prices_that_are_not_above_zero_are_refused(make_book, mid):
    with pytest.raises(DataError, match="1 of 4 mid prices are not above zero, row") as caught:
        build(MidChangeTarget(horizon=1), make_book(mid))
    assert "not normalised" in caught.value.remedy
