"""EWMA and HAR against plain loops, on what they must get right, and on real candles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.targets import VolatilityTarget
from atb.evaluation.metric import Evidence
from atb.evaluation.volatility_baselines import DECAY, ewma, har
from atb.market.files import read
from atb.targets.build import build


def market(rows: int = 900, seed: int = 0, horizon: int = 3) -> Evidence:
    """Prices whose volatility wanders, and the label that follows from them."""
    random = np.random.default_rng(seed)
    level = np.exp(-5 + 0.1 * np.cumsum(random.normal(0, 1, rows)))
    close = 100 * np.exp(np.cumsum(random.normal(0, 1, rows) * level))
    squares = np.append(np.diff(np.log(close)) ** 2, np.zeros(horizon))
    labels = np.array([np.log(squares[t : t + horizon].mean()) / 2 for t in range(rows - horizon)])
    test = np.arange(rows - 300, rows - horizon)
    return Evidence(
        close, np.append(labels, np.zeros(horizon)), np.arange(rows - 310), test, horizon
    )


def test_ewma_is_the_recursion():
    evidence = market()
    squares = np.diff(np.log(evidence.close)) ** 2
    variance, weight, expected = 0.0, 0.0, []
    for square in squares:
        variance = DECAY * variance + (1 - DECAY) * square
        weight = DECAY * weight + (1 - DECAY)
        expected.append(np.log(variance / weight) / 2)
    found = ewma(evidence)
    assert found == pytest.approx(np.array(expected)[evidence.test - 1], rel=1e-9)


def test_ewma_weighs_the_first_bars_by_weights_that_sum_to_one():
    """From the second bar on, whose forecast is the only return there is."""
    long = market()
    evidence = replace(long, test=np.arange(1, 120))
    squares = np.diff(np.log(evidence.close)) ** 2
    calmest = np.exp(2 * evidence.labels[evidence.train].min())
    expected = []
    for row in evidence.test:
        weights = [DECAY**age for age in range(row)]
        pairs = zip(weights, squares[:row][::-1], strict=True)
        mean = sum(weight * square for weight, square in pairs) / sum(weights)
        expected.append(np.log(max(mean, calmest)) / 2)
    assert expected[0] == pytest.approx(np.log(max(squares[0], calmest)) / 2)
    assert ewma(evidence) == pytest.approx(np.array(expected), rel=1e-9)
    assert np.exp(2 * np.array(expected)).min() > calmest  # the floor hides none of them


@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 12))
def test_har_is_the_least_squares_of_a_plain_loop(seed, horizon):
    evidence = market(400, seed, horizon)
    squares = np.diff(np.log(evidence.close)) ** 2
    calmest = np.exp(2 * evidence.labels[evidence.train].min())

    def past(row: int) -> list[float]:
        means = [squares[max(row - k * horizon, 0) : row].mean() for k in (1, 5, 22)]
        return [1.0, *(np.log(max(mean, calmest)) / 2 for mean in means)]

    train = evidence.train[1:]  # the first bar has no past
    design = np.array([past(row) for row in train])
    normal = np.linalg.solve(design.T @ design, design.T @ evidence.labels[train])
    expected = np.array([past(row) for row in evidence.test]) @ normal
    assert har(evidence) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_a_market_that_stood_still_has_a_finite_forecast():
    evidence = market()
    close = evidence.close.copy()
    close[evidence.test[0] - 700 :] = close[evidence.test[0] - 700]
    still = Evidence(close, evidence.labels, evidence.train, evidence.test, evidence.horizon)
    assert np.isfinite(ewma(still)).all()
    assert np.isfinite(har(still)).all()


def test_on_real_hours_har_beats_ewma_and_both_beat_the_mean(market_data):
    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    candles = read(file, "BTCUSDT", "1h")
    labels = build(VolatilityTarget(horizon=24), candles).value[:, 0]
    rows = np.flatnonzero(np.isfinite(labels))
    train, test = rows[(rows > 500) & (rows < 12_000)], rows[rows > 13_000]
    evidence = Evidence(candles.close, labels, train, test, 24)
    actual = labels[test]
    error = {f.__name__: np.mean((f(evidence) - actual) ** 2) for f in (ewma, har)}
    assert error["har"] < error["ewma"] < np.mean((labels[train].mean() - actual) ** 2)
