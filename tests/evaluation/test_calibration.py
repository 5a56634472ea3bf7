"""Known distortions are undone, other libraries agree, and no row says more than it may."""

from __future__ import annotations

import numpy as np
import pytest
from crepes import ConformalRegressor
from hypothesis import given
from hypothesis import strategies as st
from sklearn.calibration import _TemperatureScaling

from atb.config.judgement import CalibrationSpec
from atb.evaluation.calibration import STEEPEST, curve, fit, half_width, temperature

ROWS = 4000
COVERED = CalibrationSpec(coverage=0.9)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    shares = np.exp(x - x.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def drawn(probabilities, seed=2):
    """One class `[M, K]` of probabilities `[M, K, C]`."""
    uniform = np.random.default_rng(seed).random(probabilities.shape[:-1])
    return (probabilities.cumsum(axis=-1) < uniform[..., np.newaxis]).sum(axis=-1).astype(float)


def logits(horizons=2, classes=3, seed=0):
    return np.random.default_rng(seed).normal(0, 1.5, (ROWS, horizons, classes))


@pytest.mark.parametrize("horizons", [1, 2])
def test_too_sure_by_a_factor_is_cooled_by_it(horizons):
    true = logits(horizons)
    raw = (true * np.array([3.0, 0.5])[:horizons, np.newaxis]).reshape(ROWS, -1)
    found = fit(CalibrationSpec(), raw, softmax(true), drawn(softmax(true)), 3)
    assert found.method == "temperature"
    np.testing.assert_allclose(found.temperature, [3.0, 0.5][:horizons], rtol=0.06)
    np.testing.assert_allclose(found.logits(raw).reshape(true.shape), true, rtol=0.07)


def test_of_two_classes_too():
    true = np.random.default_rng(0).normal(0, 2, (ROWS, 2))
    rose = (np.random.default_rng(1).random(true.shape) < sigmoid(true)).astype(float)
    found = fit(CalibrationSpec(), true * [4, 1], sigmoid(true * [4, 1]), rose, 2)
    np.testing.assert_allclose(found.temperature, [4, 1], rtol=0.06)


def test_a_temperature_is_scikit_learns():
    given, actual = logits(1)[:, 0] * 2.5, drawn(softmax(logits(1)))[:, 0].astype(int)
    theirs = _TemperatureScaling().fit(given, actual)
    assert 1 / temperature(given, actual) == pytest.approx(theirs.beta_, rel=1e-4)


@pytest.mark.parametrize(("sign", "limit"), [(1, 0.1), (-1, 100.0)])
def test_a_temperature_has_bounds(sign, limit):
    separated = np.array([[1.0, -1.0], [-1.0, 1.0]]) * sign
    assert temperature(separated, np.array([0, 1])) == pytest.approx(limit, rel=1e-3)


def test_logits_that_say_nothing_stay_as_they_are():
    assert temperature(np.zeros((4, 2)), np.array([0, 1, 1, 1])) == 1.0


def test_a_distorted_probability_is_straightened():
    honest = np.random.default_rng(0).random((ROWS, 1))
    rose = (np.random.default_rng(1).random(honest.shape) < honest).astype(float)
    found = fit(CalibrationSpec(method="isotonic"), honest, honest**3, rose, 2)
    assert found.method == "isotonic"
    assert np.abs(found.applied(honest**3) - honest).mean() < 0.03


def test_classes_still_sum_to_one():
    true = logits(2)
    honest = softmax(true)
    spec = CalibrationSpec(method="isotonic")
    found = fit(spec, true.reshape(ROWS, -1), softmax(3 * true), drawn(honest), 3)
    mapped = found.applied(softmax(3 * true))
    assert mapped.shape == (ROWS, 2, 3)
    np.testing.assert_allclose(mapped.sum(axis=-1), 1)
    before, after = (np.abs(p - honest).mean() for p in (softmax(3 * true), mapped))
    assert after < before / 3


@given(st.integers(1, 60), st.integers(0, 10_000))
def test_curves_rise_gently_and_are_never_certain(rows, seed):
    random = np.random.default_rng(seed)
    given = random.random(rows).round(random.integers(1, 9))
    knots, levels = curve(given, (random.random(rows) < 0.5).astype(float))
    assert len(knots) == len(levels) <= rows
    assert levels.min() >= 1 / (rows + 2) and levels.max() <= 1 - 1 / (rows + 2)
    if len(knots) > 1:
        assert np.diff(knots).min() > 0 and np.diff(levels).min() > 0
        assert (np.diff(levels) / np.diff(knots)).max() <= STEEPEST


def test_a_curve_written_by_hand():
    """Blocks of 0.2, 0.4 (one of two came true) and 0.6, 0.8 (both): centres 0.3 and 0.7."""
    knots, levels = curve(np.array([0.2, 0.4, 0.6, 0.8]), np.array([1.0, 0.0, 1.0, 1.0]))
    np.testing.assert_allclose(knots, [0.3, 0.7])
    np.testing.assert_allclose(levels, [0.5, 5 / 6])


def test_steps_become_slopes():
    below = np.linspace(0.499, 0.501, 200)
    knots, levels = curve(below, (below > 0.5).astype(float))
    assert levels.tolist() == [0.5]  # a jump of one within a hundredth of that is no slope
    wide = np.linspace(0.2, 0.8, 200)
    knots, levels = curve(wide, (wide > 0.5).astype(float))
    np.testing.assert_allclose(knots, [0.35, 0.65], atol=0.01)


def test_a_network_that_says_one_thing_says_the_frequency():
    rose = np.array([1.0, 1.0, 1.0, 0.0])[:, np.newaxis]
    found = fit(CalibrationSpec(method="isotonic"), rose, np.full((4, 1), 0.5), rose, 2)
    np.testing.assert_allclose(found.applied(np.array([[0.2], [0.5], [0.9]])), 0.75)


def test_half_widths_are_those_of_crepes():
    errors = np.random.default_rng(0).standard_t(4, 501)
    theirs = ConformalRegressor().fit(errors).predict_int(np.zeros(1), confidence=0.9)
    assert half_width(np.abs(errors), 0.9) == pytest.approx(theirs[0, 1])


@pytest.mark.parametrize(
    ("errors", "coverage", "expected"),
    [([3.0, 1.0, 2.0], 0.5, 2.0), ([3.0, 1.0, 2.0], 0.99, 3.0), ([*range(1, 20)], 0.9, 18)],
)
def test_half_widths_by_hand(errors, coverage, expected):
    assert half_width(np.array(errors, float), coverage) == expected


def test_intervals_around_quantities_hold_what_they_promise():
    random = np.random.default_rng(0)
    actual, served = random.normal(0, [1, 5], (ROWS, 2)), np.zeros((ROWS, 2))
    found = fit(COVERED, served, served, actual, 1)
    assert (found.method, found.coverage) == ("conformal", 0.9)
    inside = np.abs(random.normal(0, [1, 5], (ROWS, 2))) <= found.half_width
    np.testing.assert_allclose(inside.mean(axis=0), 0.9, atol=0.015)
    assert found.logits(served) is served and found.applied(served) is served


def test_none_changes_nothing():
    found = fit(
        CalibrationSpec(method="none"), np.zeros((4, 1)), np.ones((4, 1)), np.ones((4, 1)), 2
    )
    assert found.method == "none"
    assert (found.parameters(0), found.temperature, found.curves) == ({}, None, None)
