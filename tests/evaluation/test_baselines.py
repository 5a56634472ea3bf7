"""Naive forecasts know the train rows and nothing of what they forecast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb.evaluation.baselines import (
    class_frequency,
    last_move,
    majority,
    majority_direction,
    persistence,
    random,
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
        (majority_direction, [0.1, 0.1, -0.9, 0, 0], 1.0),
        (majority(2), [1, 1, 0], [0, 1]),
        (majority(2), [1, 0], [1, 0]),
        (majority(3), [0, 2, 2, 1], [0, 0, 1]),
        (class_frequency(2), [1, 0, 0, 0], [0.75, 0.25]),
        (class_frequency(3), [2, 0, 0, 0], [0.75, 0, 0.25]),
        (random(3), [2, 0, 0, 0], [1 / 3, 1 / 3, 1 / 3]),
    ],
)
def test_by_hand(given_labels, baseline, train, expected):
    assert baseline(given_labels(train, [1, 1, 0])).tolist() == [expected] * 3


@pytest.mark.parametrize(
    ("horizon", "expected"),
    [(1, [1, 0, 0, 2, 1]), (2, [2, 1, 0, 0, 2]), (4, [1, 0, 2, 1, 0]), (6, [1, 1, 1, 0, 2])],
)
def test_the_last_move_by_hand(given_labels, horizon, expected):
    """Labels 0 2 1 of train rows and 0 0 2 unknown 1 of test rows; without one it is flat."""
    evidence = given_labels([0, 2, 1], [0, 0, 2, np.nan, 1], horizon=horizon)
    assert last_move(evidence).argmax(axis=1).tolist() == expected


def market(unit: str, rows: int = 600, seed: int = 0) -> Evidence:
    """Random prices and labels of which the last third are test rows."""
    draw = np.random.default_rng(seed)
    labels = draw.integers(0, 3 if unit == "probabilities" else 2, rows).astype(float)
    if unit in ("return", "log_volatility", "move"):
        labels = draw.normal(-5, 0.5, rows)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, rows)))
    return Evidence(close, labels, np.arange(50, 380), np.arange(400, rows), 4)


LEARNED = [(unit, name) for unit, name in NAIVE if name != "last_move"]


@pytest.mark.parametrize(("unit", "name"), LEARNED)
def test_labels_that_were_not_learned_from_change_nothing(unit, name):
    evidence, baseline = market(unit), TRIALS[unit].baselines[name]
    labels = evidence.labels * 7
    labels[evidence.train] = evidence.labels[evidence.train]
    labels[-3:] = np.nan
    expected = baseline(evidence)
    assert baseline(replace(evidence, labels=labels)).tobytes() == expected.tobytes()
    assert len(expected) == len(evidence.test)


@pytest.mark.parametrize("value", [np.nan, 0.0, 2.0])
@pytest.mark.parametrize("row", [400, 401, 500, 598])
def test_labels_not_known_at_a_row_change_no_forecast_of_it(row, value):
    """That of the row `horizon` before it is known at it; all that follow are not."""
    evidence, known = market("probabilities"), slice(0, row - 399)
    expected = last_move(evidence)[known]
    labels = evidence.labels.copy()
    labels[row - evidence.horizon + 1 :] = value
    assert last_move(replace(evidence, labels=labels))[known].tobytes() == expected.tobytes()
    labels[row - evidence.horizon] = (expected[-1].argmax() + 1) % 3
    assert last_move(replace(evidence, labels=labels))[known].tobytes() != expected.tobytes()


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
