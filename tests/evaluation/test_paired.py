"""Two forecasts of the same rows: figures by hand, and intervals that shared luck leaves narrow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb.evaluation.metric import Outcome
from atb.evaluation.paired import side_by_side, worsening
from atb.evaluation.trials import TRIALS

ROWS = 400


def outcome(predicted, actual, scale=1.0):
    return Outcome(np.asarray(predicted), np.asarray(actual), np.full(len(actual), 100.0), scale)


def pairs(unit, one, other, horizon=1, seed=7):
    return {pair.metric: pair for pair in side_by_side(unit, one, other, horizon, seed)}


@pytest.fixture
def actual():
    return np.random.default_rng(1).normal(0, 0.01, ROWS)


def test_by_hand():
    actual = np.tile([0.01, -0.01], 50)
    found = pairs("return", outcome(actual + 0.003, actual), outcome(actual - 0.004, actual))
    rmse = found["rmse"]
    assert (rmse.a, rmse.b) == (pytest.approx(0.003), pytest.approx(0.004))
    assert rmse.interval == (pytest.approx(-0.001), pytest.approx(-0.001))
    assert (rmse.better, rmse.rising) == ("a", False)
    assert (found["directional_accuracy"].a, found["directional_accuracy"].better) == (1, None)


def test_a_rising_metric_is_better_where_it_is_higher():
    actual = np.tile([1.0, 0.0], 100)
    sure, wrong = np.where(actual == 1, 0.9, 0.1), np.where(actual == 1, 0.4, 0.6)
    found = pairs("probability", outcome(wrong, actual), outcome(sure, actual))
    assert found["accuracy"].rising and found["accuracy"].better == "b"
    assert found["log_loss"].better == "b" and not found["log_loss"].rising


def test_who_is_set_beside_itself_is_level(actual):
    one = outcome(actual * 0.1, actual)
    for pair in side_by_side("return", one, one, 1, 7):
        assert pair.difference == 0 and pair.interval == (0, 0) and pair.better is None
    found = worsening("return", one, one, 1, 7)
    assert (found.value, found.low, found.high) == (0, 0, 0)


def test_the_interval_of_the_difference_is_narrower_than_those_of_the_figures(actual):
    draw = np.random.default_rng(2)
    one = outcome(actual * 0.1 + draw.normal(0, 0.001, ROWS), actual)
    other = outcome(actual * 0.1 + draw.normal(0, 0.001, ROWS), actual)
    rmse = pairs("return", one, other)["rmse"]
    width = np.diff(rmse.interval).item()
    assert width < np.diff(rmse.a_interval).item() / 3
    assert rmse.interval[0] < rmse.difference < rmse.interval[1]


def test_labels_that_overlap_say_less():
    sums = np.convolve(np.random.default_rng(1).normal(0, 0.01, 2023), np.ones(24), "valid")
    one, other = outcome(np.full(2000, 0.01), sums), outcome(np.full(2000, -0.01), sums)
    alone, together = (pairs("return", one, other, horizon)["rmse"] for horizon in (1, 24))
    assert np.diff(alone.interval) < 0.8 * np.diff(together.interval)
    shares = [worsening("return", one, other, horizon, 7) for horizon in (1, 24)]
    assert shares[0].high - shares[0].low < 0.8 * (shares[1].high - shares[1].low)


def test_both_are_standardised_alike(actual):
    one, other = outcome(actual * 0.1, actual, 0.01), outcome(actual * 0.1, actual, 0.02)
    assert pairs("return", one, other)["loss"].difference == 0


@pytest.mark.parametrize(
    ("unit", "better", "worse"),
    [
        ("return", lambda actual: actual * 0.5, lambda actual: actual * 0.4),
        ("probability", lambda up: 0.5 + 0.2 * (up - 0.5), lambda up: 0.5 + 0.1 * (up - 0.5)),
    ],
)
def test_worsening_is_a_share_of_the_others_figure(actual, unit, better, worse):
    true = actual if unit == "return" else (actual > 0).astype(np.float64)
    good, bad = outcome(better(true), true), outcome(worse(true), true)
    forth, back = worsening(unit, bad, good, 1, 7), worsening(unit, good, bad, 1, 7)
    assert forth.low > 0 and back.high < 0
    assert forth.low <= forth.value <= forth.high
    assert (1 + forth.value) * (1 + back.value) == pytest.approx(1)
    if unit == "return":
        assert forth.value == pytest.approx(0.6 / 0.5 - 1)


def test_equal_seeds_draw_equal_rows(actual):
    one, other = outcome(actual * 0.1, actual), outcome(actual * 0.2, actual)
    assert pairs("return", one, other) == pairs("return", one, other)
    assert pairs("return", one, other) != pairs("return", one, other, seed=8)


def test_worse_is_lower_where_the_metric_that_decides_rises(monkeypatch):
    rising = replace(TRIALS["probability"], headline=("accuracy", "accuracy"))
    monkeypatch.setitem(TRIALS, "probability", rising)
    actual = np.tile([1.0, 0.0, 1.0, 0.0], 50)
    right, often = outcome(np.tile([0.9, 0.1, 0.9, 0.1], 50), actual), np.tile([0.9, 0.1], 100)
    often[::5] = 1 - often[::5]
    found = worsening("probability", outcome(often, actual), right, 1, 7)
    assert found.value == pytest.approx(0.2) and found.low > 0
