"""Figures of the papers, other people's distributions, and laws."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.signal import lfilter

from atb.evaluation.significance import (
    NORMAL,
    adjusted,
    deflated_sharpe,
    diebold_mariano,
    error_of,
    expected_maximum_sharpe,
    overfitting,
    probabilistic_sharpe,
    sharpe,
    sharpe_error,
)


def steps(count=1000, mean=0.05, seed=1):
    return np.random.default_rng(seed).standard_t(5, count) + mean


def test_a_sharpe_ratio_is_mean_over_deviation():
    assert sharpe(np.array([1.0, 3.0])) == 2.0
    assert sharpe(np.zeros(5)) == sharpe(np.empty(0)) == 0.0


@pytest.mark.parametrize(
    ("skewness", "kurtosis", "expected"), [(0.0, 3.0, 0.982), (-2.448, 10.164, 0.913)]
)
def test_two_years_of_a_hedge_fund(skewness, kurtosis, expected):
    """The example of Bailey and Lopez de Prado (2012): a yearly Sharpe ratio of 1.59 by months."""
    probability = NORMAL.cdf(0.458 / error_of(0.458, skewness, kurtosis, 24))
    assert probability == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("trials", "skewness", "kurtosis", "expected"),
    [(100, -3, 10, 0.9004), (46, -3, 10, 0.9505), (88, 0, 3, 0.9505)],
)
def test_the_best_backtest_of_many(trials, skewness, kurtosis, expected):
    """The example of Bailey and Lopez de Prado (2014): 2.5 a year over 1,250 days."""
    ratio, deviation = 2.5 / 250**0.5, (0.5 / 250) ** 0.5
    error = error_of(ratio, skewness, kurtosis, 1250)
    benchmark = expected_maximum_sharpe(trials, deviation)
    assert NORMAL.cdf((ratio - benchmark) / error) == pytest.approx(expected, abs=5e-5)


def test_steps_with_these_moments_have_these_probabilities():
    """Two values, the lower in 105 of 1,250 days, have a skewness of -3, a kurtosis of 10."""
    days = np.repeat([-1.0, 0.0], [105, 1145])
    days = (days - days.mean()) / days.std() + 2.5 / 250**0.5
    assert stats.skew(days) == pytest.approx(-3, abs=0.01)
    assert stats.kurtosis(days, fisher=False) == pytest.approx(10, abs=0.02)
    assert deflated_sharpe(days, 100, (0.5 / 250) ** 0.5) == pytest.approx(0.9004, abs=1e-3)
    assert deflated_sharpe(days, 1, None) == probabilistic_sharpe(days, 0.0) > 0.999


def test_the_standard_error_is_what_sharpe_ratios_scatter_by():
    draws = np.random.default_rng(3).exponential(1, (4000, 500)) - 0.8  # skewed
    scatter = np.std([sharpe(draw) for draw in draws])
    assert sharpe_error(draws[0]) == pytest.approx(scatter, rel=0.1)
    alone = error_of(sharpe(draws[0]), 0, 3, 500)
    assert abs(alone / scatter - 1) > 0.1  # the moments matter


def test_the_expected_maximum_is_that_of_normal_draws():
    best = np.random.default_rng(0).normal(0, 0.1, (4000, 200)).max(axis=1).mean()
    assert expected_maximum_sharpe(200, 0.1) == pytest.approx(best, rel=0.02)
    assert expected_maximum_sharpe(1, 0.1) == 0.0
    assert expected_maximum_sharpe(2, 1.0) == pytest.approx(np.pi**-0.5, rel=0.1)


def test_a_choice_deflates():
    track = steps(mean=0.08)
    ratios = [deflated_sharpe(track, trials, None) for trials in (1, 2, 50, 10_000)]
    assert ratios == sorted(ratios, reverse=True)
    assert ratios[0] > 0.95
    assert ratios[-1] < 0.5
    unknown = deflated_sharpe(track, 50, None)
    assert unknown == pytest.approx(deflated_sharpe(track, 50, 1 / 999**0.5))


def test_steps_that_do_not_vary_have_no_sharpe_ratio():
    """A mean of equal numbers is a rounding away from them, and so is their deviation from 0."""
    steady = np.full(1000, 0.001)
    assert steady.std() > 0
    assert sharpe(steady) == 0.0
    assert deflated_sharpe(steady, 50, None) < 0.05


def test_two_values_may_leave_the_standard_error_nothing():
    days = np.tile([1 / 3, 1 / 3, 1 / 3, 1 / 3, 4 / 3], 20)  # skewness 2 / Sharpe ratio
    assert sharpe_error(days) == pytest.approx(0, abs=1e-6)
    assert probabilistic_sharpe(days) == 1.0


def test_what_never_trades_has_no_skill():
    assert probabilistic_sharpe(np.zeros(100)) == 0.5
    with pytest.raises(ValueError, match="of 1 steps"):
        sharpe_error(np.ones(1))


@given(st.floats(0, 1), st.integers(1, 1_000_000))
def test_an_adjusted_p_value_is_the_chance_of_any_of_them(p_value, trials):
    assert p_value - 1e-12 <= adjusted(p_value, trials) <= 1
    assert adjusted(p_value, trials) == pytest.approx(1 - (1 - p_value) ** trials, abs=1e-9)


def test_two_forecasts_of_six_rows():
    """Errors 0 to 5 against 0, 2, 3, 3, 5, 6: squared, they differ by 44 / 6 in the mean."""
    a, b = np.arange(6.0) ** 2, np.array([0, 2, 3, 3, 5, 6.0]) ** 2
    found = diebold_mariano(a, b, 1)
    assert found.statistic == pytest.approx(-2.4905, abs=5e-5)
    assert 2 * found.p_value == pytest.approx(0.05513, abs=5e-6)
    back = diebold_mariano(b, a, 1)
    assert back.statistic == pytest.approx(-found.statistic)
    assert back.p_value == pytest.approx(1 - found.p_value)


def test_over_one_row_it_is_the_t_test_of_the_difference():
    a, b = steps(80, seed=1), steps(80, seed=2)
    expected = stats.ttest_rel(a, b, alternative="less")
    found = diebold_mariano(a, b, 1)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_over_several_rows_it_counts_their_correlation():
    noise = steps(400, mean=0, seed=5)
    smooth = np.convolve(noise, np.ones(4), "valid")  # as the errors four rows ahead are
    difference = smooth + 0.3
    rows, centred = len(smooth), difference - difference.mean()
    spectrum = sum(centred[abs(k) :] @ centred[: rows - abs(k)] / rows for k in range(-3, 4))
    expected = difference.mean() / np.sqrt(spectrum / rows)
    expected *= np.sqrt((rows + 1 - 8 + 12 / rows) / rows)
    found = diebold_mariano(difference, np.zeros(rows), 4)
    assert found.statistic == pytest.approx(expected)
    assert found.p_value == pytest.approx(stats.t.cdf(expected, rows // 7 - 1))
    assert diebold_mariano(difference, np.zeros(rows), 1).p_value > found.p_value  # overconfident


def test_rows_whose_variance_would_be_negative_are_taken_alone():
    alternating = np.tile([1.0, -1.0], 20) + 0.1
    expected = 0.1 / np.sqrt(1 / 40) * np.sqrt((41 - 4 + 2 / 40) / 40)
    assert diebold_mariano(alternating, np.zeros(40), 2).statistic == pytest.approx(expected)
    equal = diebold_mariano(alternating, alternating, 3)
    assert (equal.statistic, equal.p_value) == (0.0, 0.5)
    constant = np.full(40, 0.1)
    assert diebold_mariano(constant, 3 * constant, 2).p_value == 0.5  # and no rounding of nothing
    with pytest.raises(ValueError, match="9 rows are too few"):
        diebold_mariano(np.zeros(9), np.zeros(9), 3)
    assert diebold_mariano(np.arange(10.0), np.zeros(10), 3).statistic > 0


def test_p_values_of_equal_forecasts_are_even():
    random = np.random.default_rng(0)
    values = [
        diebold_mariano(np.convolve(e, np.ones(5), "valid"), np.zeros(300), 5).p_value
        for e in random.normal(size=(600, 304))
    ]
    assert np.mean(np.array(values) < 0.05) == pytest.approx(0.05, abs=0.03)


@pytest.mark.parametrize(
    ("rows", "horizon"), [(64, 16), (150, 24), (300, 24), (300, 75), (900, 24)]
)
def test_long_horizons_of_few_rows_are_no_evidence(rows, horizon):
    """Forecasts of nothing by a persistent guess; the normal law would find skill in up to 15 %."""
    random = np.random.default_rng(4)
    kept = np.exp(-1 / horizon)
    found = []
    for noise in random.normal(size=(400, 2, rows + horizon)):
        level = np.concatenate([[0.0], noise[0].cumsum()])
        label = level[horizon:-1] - level[: -horizon - 1]
        guess = lfilter([np.sqrt(1 - kept**2)], [1, -kept], noise[1])[horizon:]
        found.append(diebold_mariano(guess * label, np.zeros(rows), horizon).p_value)
    assert np.mean(np.array(found) <= 0.025) <= 0.04


def brute_force(returns, groups):
    parts = np.array_split(np.arange(len(returns)), groups)
    for half in combinations(range(groups), groups // 2):
        inside = np.concatenate([parts[g] for g in half])
        outside = np.concatenate([parts[g] for g in range(groups) if g not in half])
        best = np.argmax([sharpe(column) for column in returns[inside].T])
        ranks = stats.rankdata([sharpe(column) for column in returns[outside].T])
        share = ranks[best] / (returns.shape[1] + 1)
        yield np.log(share / (1 - share)), sharpe(returns[outside][:, best])


def test_overfitting_is_what_every_halving_says():
    returns = np.random.default_rng(1).normal(0.02, 1, (90, 7))
    logits, won = np.array(list(brute_force(returns, 6))).T
    found = overfitting(returns, 6)
    np.testing.assert_allclose(found.logits, logits)
    np.testing.assert_allclose(found.chosen[:, 1], won)
    assert found.probability == np.mean(logits <= 0)
    assert found.loss == np.mean(won < 0)


def test_skill_is_not_overfitting_and_luck_is():
    noise = np.random.default_rng(2).normal(size=(640, 20))
    skilled = noise + 0.5 * (np.arange(20) == 3)
    assert overfitting(skilled).probability == 0.0
    # What all of the time cancels out, the better half takes from the other.
    compensated = overfitting(noise - noise.mean(axis=0))
    assert compensated.probability > 0.9
    assert compensated.loss == 1.0
    assert len(compensated.logits) == 12_870


def test_strategies_that_do_nothing_are_ranked_as_equals():
    assert overfitting(np.zeros((64, 3)), 4).logits.tolist() == [0.0] * 6


@pytest.mark.parametrize(("shape", "groups"), [((64, 1), 16), ((64, 3), 5), ((20, 3), 16)])
def test_what_cannot_be_halved_is_said(shape, groups):
    with pytest.raises(ValueError, match=f"{shape[0]} steps of {shape[1]} strategies"):
        overfitting(np.zeros(shape), groups)
