from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

Float64 = npt.NDArray[np.float64]


def series(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32).reshape(1, -1, 1)


def flat(tensor: object) -> list[float]:
    return np.asarray(tensor)[0, :, 0].tolist()


def test_fir_weighs_the_newest_bar_first() -> None:
    from atb.features.causal import fir

    assert flat(fir(series(1, 2, 3, 4), np.array([10, 1]))) == [21, 32, 43]


def test_from_last_measures_from_the_newest_value() -> None:
    from atb.features.causal import difference, from_last

    x = series(5, 7, 4, 9)
    # at 4: (5 - 4) / 2 + 2 * (7 - 4); at 9: (7 - 9) / 2 + 2 * (4 - 9)
    assert flat(from_last(difference(x), np.array([0.25, 2, 0.5]))) == [6.5, -11]


def test_deviations_are_from_the_mean() -> None:
    from atb.features.causal import average, deviations, difference

    filters = deviations(difference(series(1, 3, 8)), 3)
    np.testing.assert_allclose(np.asarray(filters)[0, 0], [4, -1, -3], atol=1e-6)
    assert flat(average(filters)) == pytest.approx([0], abs=1e-6)


def test_extremes_of_the_last_bars() -> None:
    from atb.features.causal import highest, lowest

    x = series(3, -1, 4, -1, -5)
    assert flat(highest(x, 3)) == [4, 4, 4]
    assert flat(lowest(x, 3)) == [-1, -1, -5]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 20])
def test_total_is_the_sum_of_the_last_rows(rows: int) -> None:
    from atb.features.causal import total

    x = np.arange(20) ** 2
    expected = [int(x[end - rows : end].sum()) for end in range(rows, 21)]
    assert flat(total(series(*x), rows)) == expected


@settings(deadline=None, max_examples=30)
@given(
    x=arrays.arrays(np.float64, (20, 3), elements=st.floats(-100, 100, width=32)),
    rows=st.sampled_from([2, 4, 16]),
)
def test_moments_are_those_of_all_values(x: Float64, rows: int) -> None:
    from atb.features.causal import difference, moments

    centre = series(*x.mean(axis=1))
    offset, variance = moments(difference(centre), series(*x.var(axis=1)), rows)
    last = x[-rows:]
    assert flat(offset)[-1] == pytest.approx(last.mean() - x[-1].mean(), abs=1e-4)
    assert flat(variance)[-1] == pytest.approx(last.var(), rel=1e-5, abs=1e-4)
    assert len(flat(offset)) == len(flat(variance)) == 21 - rows


def test_squash_draws_in_the_tails() -> None:
    from atb.features.causal import squash

    assert flat(squash(series(0, 1, -1, 1e6))) == pytest.approx(
        [0, np.log(2), -np.log(2), np.log(1e6 + 1)]
    )


def test_aligned_series_share_their_end() -> None:
    from atb.features.causal import aligned

    assert [flat(part) for part in aligned(series(1, 2, 3), series(9, 8))] == [[2, 3], [9, 8]]


def test_ratio_is_zero_where_there_is_nothing() -> None:
    from atb.features.causal import contrast, ratio

    assert flat(ratio(series(0, 1, -3), series(0, 4, 2))) == [0, 0.25, -1.5]
    assert flat(contrast(series(0, 3, 0), series(0, 1, 2))) == [0, 0.5, -1]


@settings(deadline=None)
@given(a=st.floats(1e-8, 1e8), change=st.floats(-0.9, 9))
def test_log_ratio_adds_no_more_than_one_rounding(a: float, change: float) -> None:
    from atb.features.causal import log_ratio

    a, b = float(np.float32(a)), float(np.float32(a * (1 + change)))
    expected = np.log1p((a - b) / b)
    assert flat(log_ratio(series(a), series(b)))[0] == pytest.approx(expected, rel=2e-7, abs=6e-8)


def test_log_ratio_is_finite_whatever_the_prices() -> None:
    from atb.features.causal import log_ratio

    assert np.isfinite(flat(log_ratio(series(1e8, 1e-8), series(1e-8, 1e8)))).all()


@pytest.mark.parametrize("span", [9, 12, 26])
def test_cut_is_the_shortest_that_loses_less_than_a_millionth(span: int) -> None:
    from atb.features.causal import LOST_WEIGHT, cut, ema

    kept = cut(ema(span))
    remaining = 1 - 2 / (span + 1)
    assert remaining ** len(kept) < LOST_WEIGHT <= remaining ** (len(kept) - 1)
    assert 1 - kept.sum() < LOST_WEIGHT


def test_averages_weigh_one() -> None:
    from atb.features.causal import mean, wilder

    assert mean(7).sum() == pytest.approx(1, abs=1e-15)
    assert wilder(14).sum() == pytest.approx(1, abs=1e-15)


@settings(deadline=None)
@given(
    x=arrays.arrays(np.float64, 300, elements=st.floats(50, 200)),
    span=st.sampled_from([5, 12]),
)
def test_a_cut_average_is_the_recursion(x: Float64, span: int) -> None:
    from atb.features.causal import cut, difference, ema, from_last

    factor, recursive = 2 / (span + 1), x[0]
    for value in x[1:]:
        recursive += factor * (value - recursive)
    change = difference(series(*x))
    cut_average = x[-1] + flat(from_last(change, cut(ema(span))))[-1]
    assert cut_average == pytest.approx(recursive, abs=2e-3)
