from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from atb.studies import spread

VALUES = [0.3, -0.1, 0.4, 0.2, 0.25]


def test_mean_and_deviation_leave_out_what_is_missing() -> None:
    found = spread.over([1.0, None, 2.0, 6.0])
    assert found == {
        "mean": 3.0,
        "deviation": pytest.approx(7**0.5),
        "each": [1.0, None, 2.0, 6.0],
    }
    assert spread.over([None, 4.0])["deviation"] is None
    assert spread.over([None])["mean"] is None


def test_a_distribution_has_quantiles_and_a_share_below_zero() -> None:
    found = spread.distribution([*map(float, range(-1, 20)), None])
    assert found["quantiles"] == {"0.05": 0.0, "0.25": 4.0, "0.5": 9.0, "0.75": 14.0, "0.95": 18.0}
    assert found["below_zero"] == pytest.approx(1 / 21)
    assert spread.distribution([None])["quantiles"]["0.5"] is None


def test_without_shared_windows_it_is_the_t_test() -> None:
    expected = stats.ttest_1samp(VALUES, 0, alternative="greater").pvalue
    assert spread.p_value([*VALUES, None], 0.0) == pytest.approx(expected, rel=1e-9)


def test_shared_windows_raise_the_variance() -> None:
    """Nadeau and Bengio: of ten folds the variance is 1/10 + 1/9 instead of 1/10."""
    values = np.random.default_rng(0).normal(0.3, 1, 10).tolist()
    t = np.mean(values) / np.sqrt((1 / 10 + 1 / 9) * np.var(values, ddof=1))
    assert spread.p_value(values, 1 / 9) == pytest.approx(stats.t.sf(t, 9), rel=1e-9)


def test_a_single_value_or_equal_ones_have_no_p_value() -> None:
    assert spread.p_value([0.3, None], 0.1) is None
    assert spread.p_value([0.3, 0.3], 0.1) is None
    assert np.var([0.1, 0.1, 0.1]) > 0  # by a rounding
    assert spread.p_value([0.1, 0.1, 0.1], 0.1) is None


def test_figures_are_whatever_is_a_number() -> None:
    many = [{"a": 1, "b": True, "c": {"d": 2}}, {"a": None, "e": 0.5}]
    assert spread.of_each(many) == {"a": [1, None], "e": [None, 0.5]}
