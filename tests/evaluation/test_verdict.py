"""Verdicts on forecasts whose worth is known, on damaged ones, and on real prices."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from atb.errors import DivergedError
from atb.evaluation.verdict import judge

ROWS = 2000


@pytest.fixture
def returns() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.005, ROWS)


def noise(size: float) -> np.ndarray:
    return np.random.default_rng(9).normal(0, size, ROWS)


@pytest.mark.parametrize(
    ("share", "size", "words"),
    [
        (0.3, 0.0, "better than persistence: RMSE 0.7000 of the naive forecast, 95 % interval"),
        (0.0, 1e-5, "level with persistence: RMSE 1.0000 of the naive forecast, 95 % interval"),
        (0.0, 0.005, "worse than persistence: RMSE 1.4"),
    ],
)
def test_returns(make, returns, share, size, words):
    verdict = judge("return", make(share * returns + noise(size), returns), returns, 1, 7)
    assert verdict.words.startswith(words)


@pytest.mark.parametrize(
    ("share", "words"), [(0.3, "better than"), (0.0, "level with"), (-0.3, "worse than")]
)
def test_directions(make, returns, share, words):
    rose = (returns > 0).astype(float)
    predicted = rose.mean() + share * (rose - 0.5) + noise(1e-4)
    verdict = judge("probability", make(predicted, rose), rose, 1, 7)
    assert verdict.words.startswith(f"{words} class frequency: log loss ")
    assert verdict.baselines.keys() == {"class_frequency", "majority"}
    assert verdict.baselines["class_frequency"]["auc"] == 0.5
    assert verdict.baselines["majority"].keys() == {"accuracy"}


def test_persistence_against_itself_is_no_difference(make, returns):
    verdict = judge("return", make(np.zeros(ROWS), returns), returns, 1, 7)
    assert verdict.words.endswith(
        "RMSE 1.0000 of the naive forecast, 95 % interval [1.0000, 1.0000]"
    )
    for name, value in verdict.baselines["persistence"].items():
        assert verdict.metrics[name] == value
        assert verdict.differences[name].low == verdict.differences[name].high == 0


def test_every_metric_stands_beside_a_baseline_with_its_interval(make, returns):
    answer = judge("return", make(noise(1e-4), returns), returns, 4, 7).to_json()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["metrics"].keys() == answer["differences"].keys()
    assert answer["bootstrap"] == {"rows": ROWS, "block": 13, "resamples": 2000, "level": 0.95}
    for name, found in answer["differences"].items():
        naive = answer["baselines"][found["baseline"]][name]
        assert found["estimate"] == pytest.approx(answer["metrics"][name] - naive)
        assert found["low"] <= found["estimate"] <= found["high"]


def test_the_verdict_is_the_same_each_time_and_its_interval_that_of_its_seed(make, returns):
    given = make(noise(1e-4), returns)
    first, again, other = (judge("return", given, returns, 1, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.metrics == other.metrics
    assert first.differences != other.differences


@pytest.mark.parametrize("unit", ["return", "probability"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(make, returns, unit, value):
    predicted = np.full(ROWS, 0.5)
    predicted[77] = value
    with pytest.raises(DivergedError, match="1 of 2000 predictions are not a finite number"):
        judge(unit, make(predicted, returns > 0), returns, 1, 7)


def test_a_return_that_gives_no_price_is_refused(make, returns):
    predicted = np.zeros(ROWS)
    predicted[3] = 1e4
    with pytest.raises(DivergedError, match="reach 10000, too large to be measured"):
        judge("return", make(predicted, returns), returns, 1, 7)


def test_a_label_that_is_unknown_is_a_mistake(make, returns):
    actual = returns.copy()
    actual[-1] = np.nan
    with pytest.raises(ValueError, match="needs its label"):
        judge("return", make(returns, actual), returns, 1, 7)


def test_a_price_that_never_moves_gives_no_number_and_no_verdict(make):
    still = np.zeros(200)
    verdict = judge("return", make(still + 1e-3, still), still, 1, 7)
    assert verdict.words == "no comparison: the RMSE of persistence is 0, that of the model 0.001"
    assert "r2" not in verdict.metrics
    assert "majority" not in verdict.baselines
    json.dumps(verdict.to_json(), allow_nan=False)


def test_one_class_has_no_auc(make):
    rose = np.ones(200)
    verdict = judge("probability", make(rose * 0.7, rose), rose, 1, 7)
    assert "auc" not in verdict.metrics
    json.dumps(verdict.to_json(), allow_nan=False)


def test_momentum_on_real_hours_is_not_better_than_persistence(make, market_data: Path):
    import pandas as pd

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    close = pd.read_feather(file, columns=["close"])["close"].to_numpy(float)
    move = np.diff(np.log(close))
    train, test = move[:12000], slice(12000, len(move))
    outcome = make(0.5 * move[11999:-1], move[test], close[test], train.std())
    verdict = judge("return", outcome, train, 1, 7)
    assert verdict.words.startswith("worse than persistence: RMSE 1.1")
    # The figures of persistence itself, by their definitions.
    naive = verdict.baselines["persistence"]
    price = close[12001:]
    assert naive["rmse"] == pytest.approx(np.sqrt(np.mean(move[test] ** 2)))
    assert naive["price_rmse"] == pytest.approx(np.sqrt(np.mean((price - close[12000:-1]) ** 2)))
    assert naive["price_mape"] == pytest.approx(np.mean(np.abs(close[12000:-1] / price - 1)))
    assert naive["price_mape"] == pytest.approx(0.0036, abs=5e-4)
