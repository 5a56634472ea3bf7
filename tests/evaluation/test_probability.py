"""Each metric of probabilities by hand and against scikit-learn; two classes as one column."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as oracle

from atb.evaluation.probability import AUC, CALIBRATION, METRICS

BY_NAME = {metric.name: metric for metric in (*METRICS, AUC)}


def random_forecasts(seed: int, classes: int, rows: int = 300):
    random = np.random.default_rng(seed)
    given = random.dirichlet(np.ones(classes), rows)
    return given, random.integers(0, classes, rows).astype(float)


def test_metrics_of_a_rise_by_hand(make):
    outcome = make([0.9, 0.6, 0.4, 0.5], [1, 0, 1, 0])
    found = {name: metric.of(outcome) for name, metric in BY_NAME.items()}
    assert found == pytest.approx(
        {
            "log_loss": -np.log([0.9, 0.4, 0.4, 0.5]).mean(),
            "brier": (0.01 + 0.36 + 0.36 + 0.25) / 4,
            # Down at 0.5 came true, of two at 0.6 none did, up at 0.9 came true.
            "calibration_error": (0.5 + 2 * 0.6 + 0.1) / 4,
            "auc": 0.5,  # of four pairs, 0.9 wins two and 0.4 none
        }
    )


def test_metrics_of_three_classes_by_hand(make):
    outcome = make([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]], [0, 1])
    assert BY_NAME["log_loss"].of(outcome) == pytest.approx(-np.log([0.7, 0.3]).mean())
    squares = (0.09 + 0.04 + 0.01) + (0.01 + 0.49 + 0.36)
    assert BY_NAME["brier"].of(outcome) == pytest.approx(squares / 2)
    assert CALIBRATION.of(outcome) == pytest.approx((0.3 + 0.6) / 2)


@pytest.mark.parametrize("metric", [*METRICS, AUC], ids=lambda metric: metric.name)
def test_one_column_is_the_second_of_two(make, metric):
    given, actual = random_forecasts(1, 2)
    assert metric.of(make(given[:, 1], actual)) == pytest.approx(metric.of(make(given, actual)))


@pytest.mark.parametrize("seed", range(5))
def test_they_are_those_of_scikit_learn(make, seed):
    for classes in (2, 3):
        given, actual = random_forecasts(seed, classes)
        outcome = make(given, actual)
        expected = oracle.log_loss(actual, given, labels=range(classes))
        assert BY_NAME["log_loss"].of(outcome) == pytest.approx(expected)
    given, actual = random_forecasts(seed, 2)
    outcome = make(given[:, 1], actual)
    assert BY_NAME["brier"].of(outcome) == pytest.approx(
        oracle.brier_score_loss(actual, given[:, 1])
    )
    assert BY_NAME["auc"].of(outcome) == pytest.approx(oracle.roc_auc_score(actual, given[:, 1]))


@pytest.mark.parametrize("classes", [2, 3])
def test_calibration_is_that_of_a_plain_loop_over_bins(make, classes):
    given, actual = random_forecasts(2, classes)
    confidence, right = given.max(axis=1), given.argmax(axis=1) == actual
    expected = 0.0
    for low, high in zip(np.arange(15) / 15, np.arange(1, 16) / 15, strict=True):
        inside = (confidence > low) & (confidence <= high)
        if inside.any():
            gap = abs(right[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert CALIBRATION.of(make(given, actual)) == pytest.approx(expected)


def test_who_is_right_as_often_as_said_is_calibrated(make):
    random = np.random.default_rng(0)
    p = random.random(200_000)
    actual = (random.random(200_000) < p).astype(float)
    assert CALIBRATION.of(make(p, actual)) < 0.01
    assert CALIBRATION.of(make(p**3 / (p**3 + (1 - p) ** 3), actual)) > 0.05


def test_certain_and_wrong_is_bad_but_finite(make):
    assert 20 < BY_NAME["log_loss"].of(make([1.0, 0.0], [0, 1])) < 40


@pytest.mark.parametrize("seed", range(20))
def test_auc_is_the_share_of_pairs_in_the_right_order(make, seed):
    random = np.random.default_rng(seed)
    score = random.integers(0, 8, 60) / 10  # many ties
    actual = (random.random(60) < 0.3).astype(float)
    ups, downs = score[actual == 1], score[actual == 0]
    pairs = np.sign(ups[:, None] - downs) / 2 + 0.5
    assert AUC.of(make(score, actual)) == pytest.approx(pairs.mean())


def test_the_spread_of_auc_terms_is_the_standard_error_of_delong(make):
    """Against the variance of the area over many fresh samples."""
    random = np.random.default_rng(5)

    def sample():
        actual = (random.random(400) < 0.4).astype(float)
        return make(1 / (1 + np.exp(-random.normal(actual, 1.0))), actual)

    spread = np.std([AUC.of(sample()) for _ in range(2000)])
    claimed = np.mean([AUC.columns(sample()).std() / np.sqrt(400) for _ in range(200)])
    assert claimed == pytest.approx(spread, rel=0.06)


@pytest.mark.parametrize("only", [0.0, 1.0])
def test_auc_of_one_class_is_not_defined(make, only):
    assert np.isnan(AUC.of(make([0.2, 0.8], [only, only])))
