"""Naive forecasts know the train rows and nothing of what they forecast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb.evaluation.baselines import (
    class_frequency,
    majority,
    majority_direction,
    persistence,
    title,
)
from atb.evaluation.metric import Evidence
from atb.evaluation.trials import TRIALS

NAIVE = [(unit, name) for unit, trial in TRIALS.items() for name in trial.baselines]


@pytest.mark.parametrize(
    ("baseline", "train", "expected"),
    [
        (persistence, [0.1, 0.1], 0.0),
        (majority_direction, [0.1, 0.1, -0.1], 1.0),
        (majority_direction, [0.1, -0.1, -0.1], 0.0),
        (majority_direction, [0.1, -0.1], 0.0),
        (majority(2), [1, 1, 0], [0, 1]),
        (majority(2), [1, 0], [1, 0]),
        (majority(3), [0, 2, 2, 1], [0, 0, 1]),
        (class_frequency(2), [1, 0, 0, 0], [0.75, 0.25]),
        (class_frequency(3), [2, 0, 0, 0], [0.75, 0, 0.25]),
    ],
)
def test_by_hand(given_labels, baseline, train, expected):
    assert baseline(given_labels(train, [1, 1, 0])).tolist() == [expected] * 3


def market(unit: str, rows: int = 600, seed: int = 0) -> Evidence:
    """Random prices and labels of which the last third are test rows."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3 if unit == "probabilities" else 2, rows).astype(float)
    if unit in ("return", "log_volatility"):
        labels = random.normal(-5, 0.5, rows)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, rows)))
    return Evidence(close, labels, np.arange(50, 380), np.arange(400, rows), 4)


@pytest.mark.parametrize(("unit", "name"), NAIVE)
def test_labels_that_were_not_learned_from_change_nothing(unit, name):
    evidence, baseline = market(unit), TRIALS[unit].baselines[name]
    labels = evidence.labels * 7
    labels[evidence.train] = evidence.labels[evidence.train]
    labels[-3:] = np.nan
    expected = baseline(evidence)
    assert baseline(replace(evidence, labels=labels)).tobytes() == expected.tobytes()
    assert len(expected) == len(evidence.test)


@pytest.mark.parametrize(("unit", "name"), NAIVE)
@pytest.mark.parametrize("row", [400, 401, 500, 598])
def test_prices_after_a_row_change_no_forecast_of_it(unit, name, row):
    evidence, baseline = market(unit), TRIALS[unit].baselines[name]
    known = evidence.test <= row
    expected = baseline(evidence)[known]
    for value in (np.nan, 1e-3, 1e9):
        close = evidence.close.copy()
        close[row + 1 :] = value
        found = baseline(replace(evidence, close=close))[known]
        assert found.tobytes() == expected.tobytes()


def test_names_for_people():
    assert [title(name) for name in ("har", "class_frequency")] == ["HAR", "class frequency"]
