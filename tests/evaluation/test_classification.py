"""Each metric of probabilities by hand, and the area under the curve against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from atb.evaluation.classification import ACCURACY, METRICS

BY_NAME = {metric.name: metric for metric in (*METRICS, ACCURACY)}


def test_metrics_by_hand(make):
    outcome = make([0.9, 0.6, 0.4, 0.5], [1, 0, 1, 0])
    found = {name: metric.of(outcome) for name, metric in BY_NAME.items()}
    assert found == pytest.approx(
        {
            "log_loss": -np.log([0.9, 0.4, 0.4, 0.5]).mean(),
            "brier": (0.01 + 0.36 + 0.36 + 0.25) / 4,
            "accuracy": 0.5,  # one half is not a rise
            "auc": 0.5,  # of four pairs, 0.9 wins two and 0.4 none
        }
    )


def test_certain_and_wrong_is_bad_but_finite(make):
    assert 20 < BY_NAME["log_loss"].of(make([1.0, 0.0], [0, 1])) < 40


@pytest.mark.parametrize("seed", range(20))
def test_auc_is_the_share_of_pairs_in_the_right_order(make, seed):
    random = np.random.default_rng(seed)
    score = random.integers(0, 8, 60) / 10  # many ties
    actual = (random.random(60) < 0.3).astype(float)
    ups, downs = score[actual == 1], score[actual == 0]
    pairs = np.sign(ups[:, None] - downs) / 2 + 0.5
    assert BY_NAME["auc"].of(make(score, actual)) == pytest.approx(pairs.mean())


def test_the_spread_of_auc_terms_is_the_standard_error_of_delong(make):
    """Against the variance of the area over many fresh samples."""
    random = np.random.default_rng(5)

    def sample():
        actual = (random.random(400) < 0.4).astype(float)
        return make(1 / (1 + np.exp(-random.normal(actual, 1.0))), actual)

    metric = BY_NAME["auc"]
    spread = np.std([metric.of(sample()) for _ in range(2000)])
    claimed = np.mean([metric.columns(sample()).std() / np.sqrt(400) for _ in range(200)])
    assert claimed == pytest.approx(spread, rel=0.06)


@pytest.mark.parametrize("only", [0.0, 1.0])
def test_auc_of_one_class_is_not_defined(make, only):
    assert np.isnan(BY_NAME["auc"].of(make([0.2, 0.8], [only, only])))
