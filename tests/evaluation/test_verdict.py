"""Verdicts on forecasts whose worth is known, on damaged ones, and on real prices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.config.targets import VolatilityTarget
from atb.errors import DivergedError
from atb.evaluation.metric import Evidence
from atb.evaluation.verdict import judge, judge_decided
from atb.evaluation.volatility_baselines import har
from atb.market.files import read
from atb.targets.build import build

ROWS = 2000


@pytest.fixture
def returns() -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.005, ROWS)


def comparison(verdict: Any) -> str:
    """What is said after the significance, which agrees with it."""
    skill, said, words = verdict.words.partition(f"{verdict.significance.words}: ")
    assert (skill, said) == ("", f"{verdict.significance.words}: ")
    sure = verdict.significance.words.startswith("evidence of skill (p < 0.001 after 1 trial)")
    unsure = verdict.significance.words.startswith("no evidence of skill (p = ")
    assert (sure, unsure) == (words.startswith("better than"), not words.startswith("better than"))
    return words


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
def test_returns(given_labels, returns, share, size, words):
    verdict = judge("return", share * returns + noise(size), given_labels(returns, returns), 1, 7)
    assert comparison(verdict).startswith(words)


@pytest.mark.parametrize(
    ("share", "words"), [(0.3, "better than"), (0.0, "level with"), (-0.3, "worse than")]
)
def test_directions(given_labels, returns, share, words):
    rose = (returns > 0).astype(float)
    predicted = rose.mean() + share * (rose - 0.5) + noise(1e-4)
    verdict = judge("probability", predicted, given_labels(rose, rose), 1, 7)
    assert comparison(verdict).startswith(f"{words} class frequency: log loss ")
    assert verdict.baselines.keys() == {"class_frequency", "majority"}
    assert verdict.baselines["class_frequency"]["auc"] == 0.5
    assert verdict.baselines["majority"].keys() == {"accuracy", "macro_f1", "mcc"}
    assert verdict.baselines["class_frequency"].keys() == verdict.metrics.keys()
    assert np.sum(verdict.confusion.counts) == ROWS


@pytest.mark.parametrize(
    ("share", "words"), [(0.3, "better than"), (0.0, "level with"), (-0.3, "worse than")]
)
def test_three_classes(given_labels, share, words):
    random = np.random.default_rng(3)
    labels = random.choice(3, 2 * ROWS, p=[0.3, 0.5, 0.2]).astype(float)
    evidence = given_labels(labels[:ROWS], labels[ROWS:])
    frequency = np.bincount(labels[:ROWS].astype(int)) / ROWS
    if share:
        predicted = (1 - abs(share)) * frequency + share * np.eye(3)[labels[ROWS:].astype(int)]
        predicted = np.maximum(predicted, 0.01)
    else:
        predicted = frequency * np.exp(random.normal(0, 1e-4, (ROWS, 3)))
    predicted /= predicted.sum(axis=1, keepdims=True)
    verdict = judge("probabilities", predicted, evidence, 1, 7)
    assert comparison(verdict).startswith(f"{words} class frequency: log loss ")
    naive = verdict.baselines["class_frequency"]
    assert naive.keys() == verdict.metrics.keys()
    assert naive["recall_flat"] == pytest.approx(frequency[1])
    assert naive["precision_up"] == pytest.approx(np.mean(labels[ROWS:] == 2))
    assert verdict.baselines["majority"]["mcc"] == 0
    assert verdict.differences["accuracy"].baseline == "majority"
    assert verdict.baselines["random"]["accuracy"] == pytest.approx(1 / 3)
    assert verdict.baselines["random"]["mcc"] == pytest.approx(0, abs=1e-12)
    repeated = np.mean(labels[ROWS:] == labels[ROWS - 1 : -1])
    assert verdict.baselines["last_move"]["accuracy"] == pytest.approx(repeated)
    assert verdict.baselines["last_move"].keys() == {"accuracy", "macro_f1", "mcc"}
    assert verdict.metrics["accuracy"] == np.trace(verdict.confusion.counts) / ROWS
    assert verdict.to_json()["confusion"] == {
        "classes": ["down", "flat", "up"],
        "counts": [list(row) for row in verdict.confusion.counts],
    }
    json.dumps(verdict.to_json(), allow_nan=False)


def test_three_classes_are_counted_by_what_came_true_and_what_was_said(given_labels):
    evidence = given_labels([0, 1, 2] * 4, [0, 0, 0, 2, 2, 1] * 5)
    predicted = np.eye(3)[[0, 1, 2, 2, 0, 1] * 5]
    verdict = judge("probabilities", predicted, evidence, 1, 7)
    assert verdict.confusion.counts == ((5, 5, 5), (0, 5, 0), (5, 0, 5))


@pytest.mark.parametrize(
    ("share", "size", "words"),
    [
        (0.3, 0.0, "better than persistence: RMSE 0.7000 of the naive forecast, 95 % interval"),
        (0.0, 1e-3, "level with persistence: RMSE 1.0000 of the naive forecast, 95 % interval"),
        (-0.3, 0.0, "worse than persistence: RMSE 1.3000 of the naive forecast, 95 % interval"),
    ],
)
def test_moves(given_labels, share, size, words):
    moves = 0.5 * np.random.default_rng(0).integers(-3, 4, ROWS)
    verdict = judge("move", share * moves + noise(size), given_labels(moves, moves), 1, 7)
    assert comparison(verdict).startswith(words)
    assert verdict.metrics.keys() == {
        *("loss", "move_rmse", "move_mae", "r2", "directional_accuracy")
    }
    assert verdict.baselines["persistence"]["move_mae"] == np.abs(moves).mean()
    if not size:  # by its definition, on a forecast that is a share of what came
        assert verdict.metrics["r2"] == pytest.approx(
            1 - (1 - share) ** 2 * np.mean(moves**2) / moves.var()
        )
        assert verdict.metrics["directional_accuracy"] == (share > 0)
        assert verdict.differences["directional_accuracy"].baseline == "majority"


def decisions(share, rows=ROWS):
    """Labels of train and test rows, and decisions of which a share knows what comes."""
    random = np.random.default_rng(4)
    labels = random.choice(3, 2 * rows, p=[0.3, 0.4, 0.3])
    guessed = random.choice(3, rows, p=[0.3, 0.4, 0.3])
    decided = np.where(random.random(rows) < abs(share), labels[rows:], guessed)
    return labels[:rows], labels[rows:], decided if share >= 0 else (decided + 1) % 3


@pytest.mark.parametrize(
    ("share", "words"), [(0.3, "better than"), (0.0, "level with"), (-0.3, "worse than")]
)
def test_decided_classes(given_labels, share, words):
    train, test, decided = decisions(share)
    verdict = judge_decided(decided, given_labels(train, test), 7)
    assert comparison(verdict).startswith(words)
    assert ": macro F1 " in comparison(verdict)
    assert {"accuracy", "macro_f1", "mcc", "recall_flat"} <= verdict.metrics.keys()
    assert not {"log_loss", "brier", "calibration_error"} & verdict.metrics.keys()
    assert verdict.metrics["accuracy"] == pytest.approx(np.mean(decided == test))
    assert verdict.baselines.keys() == {"class_frequency", "majority", "last_move", "random"}
    certain = judge("probabilities", np.eye(3)[decided], given_labels(train, test), 1, 7)
    for name, value in verdict.metrics.items():
        assert certain.metrics[name] == value
        assert certain.intervals[name] == verdict.intervals[name]
        assert certain.differences[name] == verdict.differences[name]
    json.dumps(verdict.to_json(), allow_nan=False)


def test_fewer_wrong_decisions_are_no_evidence_where_the_headline_is_worse(given_labels):
    """Flat but for a few rises it is sure of: more accurate than the majority, less fair to all."""
    test = np.random.default_rng(3).choice(3, ROWS, p=[0.15, 0.7, 0.15]).astype(float)
    decided = np.ones(ROWS, np.int64)
    decided[np.flatnonzero(test == 2)[:10]] = 2
    verdict = judge_decided(decided, given_labels(test, test), 7)
    assert verdict.significance.baseline == "majority"
    assert verdict.significance.adjusted_p_value < 0.001
    assert verdict.words.startswith("no evidence of skill (p < 0.001 after 1 trial): worse than ")


def test_an_interval_is_that_of_the_closed_form_where_rows_are_independent(given_labels):
    train, test, decided = decisions(0.2)
    low, high = judge_decided(decided, given_labels(train, test), 7).intervals["accuracy"]
    right = np.mean(decided == test)
    half = 1.96 * np.sqrt(right * (1 - right) / ROWS)
    assert (low, high) == pytest.approx((right - half, right + half), abs=0.2 * half)


def test_labels_that_overlap_say_less(given_labels):
    """A constant guess of sums over 24 rows, which by luck were higher than usual."""
    steps = np.random.default_rng(3).normal(0, 0.005, ROWS + 23)
    sums = np.convolve(steps, np.ones(24), "valid")
    guess = np.full(ROWS, 0.02 * sums.std())
    alone, together = (
        judge("return", guess, given_labels(sums, sums, horizon=horizon), 1, 7)
        for horizon in (1, 24)
    )
    assert (alone.block, together.block) == (13, 72)
    assert alone.significance.p_value < 0.001
    assert together.significance.p_value > 0.05
    widths = [
        one.differences["rmse"].high - one.differences["rmse"].low for one in (alone, together)
    ]
    assert widths[0] < 0.8 * widths[1]
    # Its blocks know better than a test that believes what it is told of the horizon.
    assert alone.words.startswith("no evidence of skill (p < 0.001 after 1 trial): level with")


def wandering(rows: int) -> np.ndarray:
    """Closes whose volatility comes back to its mean slowly."""
    random = np.random.default_rng(8)
    level = np.zeros(rows)
    for row in range(1, rows):
        level[row] = 0.98 * level[row - 1] + random.normal(0, 0.15)
    return 100 * np.exp(np.cumsum(random.normal(0, 1, rows) * np.exp(-5 + level)))


@pytest.mark.parametrize(
    ("size", "words"), [(0.1, "better than HAR"), (0.0, "level with HAR"), (2.0, "worse than HAR")]
)
def test_volatilities(size, words):
    """A forecast that knows what comes but for noise, and one that is HAR itself."""
    close, horizon = wandering(2 * ROWS), 12
    squares = np.diff(np.log(close)) ** 2
    means = np.convolve(squares, np.ones(horizon) / horizon, "valid")
    labels = np.append(np.log(means) / 2, np.full(horizon, np.nan))
    evidence = Evidence(
        close, labels, np.arange(300, ROWS), np.arange(ROWS + 20, len(means)), horizon
    )
    actual = labels[evidence.test]
    error = np.random.default_rng(9).normal(0, size, len(actual))
    verdict = judge("log_volatility", actual + error if size else har(evidence), evidence, 0.5, 7)
    assert comparison(verdict).startswith(f"{words}: RMSE of log volatility ")
    assert verdict.baselines["har"].keys() == verdict.baselines["ewma"].keys()
    for name, found in verdict.differences.items():
        values = [verdict.baselines[rival][name] for rival in ("har", "ewma")]
        best = (max if name == "r2" else min)(values)
        assert verdict.baselines[found.baseline][name] == best
    assert verdict.baselines["har"]["r2"] > 0.2
    assert verdict.confusion is None
    assert "confusion" not in verdict.to_json()


def test_persistence_against_itself_is_no_difference(given_labels, returns):
    verdict = judge("return", np.zeros(ROWS), given_labels(returns, returns), 1, 7)
    assert comparison(verdict).endswith(
        "RMSE 1.0000 of the naive forecast, 95 % interval [1.0000, 1.0000]"
    )
    for name, value in verdict.baselines["persistence"].items():
        assert verdict.metrics[name] == value
        assert verdict.differences[name].low == verdict.differences[name].high == 0


def test_every_metric_stands_beside_a_baseline_with_its_interval(given_labels, returns):
    evidence = given_labels(returns, returns, horizon=4)
    answer = judge("return", noise(1e-4), evidence, 1, 7).to_json()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert answer["metrics"].keys() == answer["differences"].keys() == answer["intervals"].keys()
    assert answer["bootstrap"] == {"rows": ROWS, "block": 13, "resamples": 2000, "level": 0.95}
    for name, found in answer["differences"].items():
        naive = answer["baselines"][found["baseline"]][name]
        assert found["estimate"] == pytest.approx(answer["metrics"][name] - naive)
        assert found["low"] <= found["estimate"] <= found["high"]
        low, high = answer["intervals"][name]
        assert low < answer["metrics"][name] < high


@pytest.mark.parametrize(
    ("unit", "metric", "baseline", "rising"),
    [
        ("return", "rmse", "persistence", False),
        ("move", "move_rmse", "persistence", False),
        ("probability", "log_loss", "class_frequency", False),
        ("decided", "macro_f1", "random", True),
    ],
)
def test_the_headline_and_its_significance_in_json(
    given_labels, returns, unit, metric, baseline, rising
):
    rose = (returns > 0).astype(float)
    if unit == "decided":
        verdict = judge_decided((2 * rose).astype(int), given_labels(2 * rose, 2 * rose), 7, 20)
    else:
        labels = rose if unit == "probability" else returns
        predicted = 0.25 + 0.5 * rose if unit == "probability" else 0.5 * returns
        verdict = judge(unit, predicted, given_labels(labels, labels), 1, 7, 20)
    answer = json.loads(json.dumps(verdict.to_json(), allow_nan=False))
    headline, found = answer["headline"], answer["differences"][metric]
    assert headline == {
        "metric": metric,
        "baseline": found["baseline"],
        "value": answer["metrics"][metric],
        "naive": answer["baselines"][found["baseline"]][metric],
        "difference": found["estimate"],
        "low": found["low"],
        "high": found["high"],
        "rising": rising,
    }
    significance = answer["significance"]
    assert significance["trials"] == 20
    assert significance["p_value"] <= significance["adjusted_p_value"] < 1e-6
    assert significance["words"] == "evidence of skill (p < 0.001 after 20 trials)"
    assert answer["verdict"].startswith(f"{significance['words']}: better than ")
    assert rising or significance["baseline"] == baseline


def test_the_verdict_is_the_same_each_time_and_its_interval_that_of_its_seed(given_labels, returns):
    evidence = given_labels(returns, returns)
    first, again, other = (judge("return", noise(1e-4), evidence, 1, s) for s in (1, 1, 2))
    assert first == again
    assert first.metrics == other.metrics
    assert first.differences != other.differences


@pytest.mark.parametrize("unit", ["return", "probability", "log_volatility"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_refused(given_labels, returns, unit, value):
    predicted = np.full(ROWS, 0.5)
    predicted[77] = value
    with pytest.raises(DivergedError, match="1 of 2000 predictions are not a finite number"):
        judge(unit, predicted, given_labels(returns > 0, returns > 0), 1, 7)


def test_a_return_that_gives_no_price_is_refused(given_labels, returns):
    predicted = np.zeros(ROWS)
    predicted[3] = 1e4
    with pytest.raises(DivergedError, match="reach 10000, too large to be measured"):
        judge("return", predicted, given_labels(returns, returns), 1, 7)


@pytest.mark.parametrize("row", [0, -1])
def test_a_label_that_is_unknown_is_a_mistake(given_labels, returns, row):
    evidence = given_labels(returns, returns)
    evidence.labels[row] = np.nan
    with pytest.raises(ValueError, match="needs its label"):
        judge("return", returns, evidence, 1, 7)


def test_a_price_that_never_moves_gives_no_number_and_no_verdict(given_labels):
    still = np.zeros(200)
    verdict = judge("return", still + 1e-3, given_labels(still, still), 1, 7)
    assert (
        comparison(verdict)
        == "no comparison: the RMSE of persistence is 0, that of the model 0.001"
    )
    assert "r2" not in verdict.metrics
    assert "majority" not in verdict.baselines
    json.dumps(verdict.to_json(), allow_nan=False)


def test_one_class_has_no_auc_and_the_other_no_recall(given_labels):
    rose = np.ones(200)
    verdict = judge("probability", rose * 0.7, given_labels(rose, rose), 1, 7)
    assert not {"auc", "recall_down"} & verdict.metrics.keys()
    assert verdict.metrics["recall_up"] == 1
    json.dumps(verdict.to_json(), allow_nan=False)


def test_momentum_on_real_hours_is_not_better_than_persistence(market_data: Path):
    import pandas as pd

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    close = pd.read_feather(file, columns=["close"])["close"].to_numpy(float)
    move = np.diff(np.log(close))
    test = np.arange(12000, len(move))
    evidence = Evidence(close, np.append(move, np.nan), np.arange(12000), test, 1)
    verdict = judge("return", 0.5 * move[test - 1], evidence, move[:12000].std(), 7)
    assert comparison(verdict).startswith("worse than persistence: RMSE 1.1")
    # The figures of persistence itself, by their definitions.
    naive = verdict.baselines["persistence"]
    price = close[12001:]
    assert naive["rmse"] == pytest.approx(np.sqrt(np.mean(move[test] ** 2)))
    assert naive["price_rmse"] == pytest.approx(np.sqrt(np.mean((price - close[12000:-1]) ** 2)))
    assert naive["price_mape"] == pytest.approx(np.mean(np.abs(close[12000:-1] / price - 1)))
    assert naive["price_mape"] == pytest.approx(0.0036, abs=5e-4)


def test_the_best_baseline_of_each_metric_is_the_one_to_beat(market_data: Path):
    """On real hours EWMA forecasts the variance better, HAR its log: neither gives HAR a win."""
    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    candles = read(file, "BTCUSDT", "1h")
    labels = build(VolatilityTarget(horizon=5), candles).value[:, 0]
    rows = np.flatnonzero(np.isfinite(labels))
    evidence = Evidence(
        candles.close, labels, rows[(rows > 300) & (rows < 12_000)], rows[rows > 13_000], 5
    )
    verdict = judge("log_volatility", har(evidence), evidence, 0.5, 7)
    assert comparison(verdict).startswith("level with HAR: RMSE of log volatility 1.0000")
    assert verdict.differences["log_rmse"].baseline == "har"
    assert verdict.differences["qlike"].baseline == "ewma"
    assert verdict.differences["qlike"].low > 0
