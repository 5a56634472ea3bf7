"""Each metric of log volatility by hand, and what QLIKE is for."""

from __future__ import annotations

import numpy as np
import pytest

from atb.evaluation.volatility import METRICS

BY_NAME = {metric.name: metric for metric in METRICS}


def test_metrics_by_hand(make):
    actual, predicted = np.log([0.01, 0.02, 0.04]), np.log([0.02, 0.02, 0.02])
    found = {
        name: metric.of(make(predicted, actual, scale=0.5)) for name, metric in BY_NAME.items()
    }
    error = np.log([2.0, 1.0, 0.5])
    ratios = np.array([0.25, 1.0, 4.0])  # of variances, realised over forecast
    assert found == pytest.approx(
        {
            "loss": np.mean((error / 0.5) ** 2),
            "log_rmse": np.sqrt(np.mean(error**2)),
            "qlike": np.mean(ratios - np.log(ratios) - 1),
            "r2": 1 - np.mean(error**2) / np.var(actual),
        }
    )


def test_a_perfect_forecast(make):
    actual = np.random.default_rng(0).normal(-5, 1, 50)
    found = {name: metric.of(make(actual, actual)) for name, metric in BY_NAME.items()}
    assert found == {"loss": 0, "log_rmse": 0, "qlike": 0, "r2": 1}


def test_too_low_costs_more_than_too_high(make):
    low, high = (BY_NAME["qlike"].of(make([shift], [0.0])) for shift in (-0.5, 0.5))
    assert low > 1.5 * high > 0


def test_the_true_variance_is_the_best_forecast_though_what_is_realised_is_noise(make):
    """Patton 2011: the mean loss over noisy realisations is least at the true variance."""
    noise = np.random.default_rng(1).chisquare(5, 100_000) / 5
    actual = np.log(noise) / 2
    losses = [BY_NAME["qlike"].of(make(np.full(100_000, f), actual)) for f in (-0.05, 0.0, 0.05)]
    assert losses[1] == min(losses)
    errors = [BY_NAME["log_rmse"].of(make(np.full(100_000, f), actual)) for f in (-0.1, 0.0)]
    assert errors[0] < errors[1]  # the error of the log is least at the mean log, which is lower
