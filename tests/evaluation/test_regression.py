"""Each metric of returns by hand, and in price."""

from __future__ import annotations

import numpy as np
import pytest

from atb.evaluation.regression import DIRECTION, METRICS

BY_NAME = {metric.name: metric for metric in (*METRICS, DIRECTION)}


@pytest.fixture
def small(make):
    """Prices 100, 200 and 100 that become 110, 190 and 100; forecast are 121, 200 and 100."""
    close = np.array([100.0, 200.0, 100.0])
    actual = np.log([1.1, 0.95, 1.0])
    predicted = np.log([1.21, 1.0, 1.0])
    return make(predicted, actual, close, scale=0.5)


def test_metrics_by_hand(small):
    errors = np.log([1.21 / 1.1, 1 / 0.95, 1.0])
    found = {name: metric.of(small) for name, metric in BY_NAME.items()}
    assert found == pytest.approx(
        {
            "loss": np.mean((errors / 0.5) ** 2),
            "rmse": np.sqrt(np.mean(errors**2)),
            "mae": np.mean(np.abs(errors)),
            "price_rmse": np.sqrt((11**2 + 10**2) / 3),
            "price_mae": (11 + 10) / 3,
            "price_mape": (11 / 110 + 10 / 190) / 3,
            "r2": 1 - np.mean(errors**2) / np.var(small.actual),
            "directional_accuracy": 1.0,  # the second said no rise; the third did not move
        }
    )


def test_a_perfect_forecast(make):
    actual = np.random.default_rng(0).normal(0, 0.01, 50)
    found = {name: metric.of(make(actual, actual)) for name, metric in BY_NAME.items()}
    assert found.pop("r2") == found.pop("directional_accuracy") == 1
    assert set(found.values()) == {0.0}


def test_the_mean_as_forecast_has_an_r2_of_zero(make):
    actual = np.random.default_rng(1).normal(5, 1e-6, 1000)  # a variance far below the square
    found = BY_NAME["r2"].of(make(np.full(1000, actual.mean()), actual))
    assert found == pytest.approx(0, abs=1e-6)


def test_what_is_not_defined_is_not_a_number(make):
    still = make([0.1, 0.2], [0.0, 0.0])
    assert np.isnan(BY_NAME["r2"].of(still))
    assert np.isnan(BY_NAME["directional_accuracy"].of(still))


def test_prices_of_another_scale_change_only_price_metrics(small, make):
    dearer = make(small.predicted, small.actual, small.close * 1000, scale=0.5)
    for name, metric in BY_NAME.items():
        factor = 1000 if name in ("price_rmse", "price_mae") else 1
        assert metric.of(dearer) == pytest.approx(metric.of(small) * factor), name
