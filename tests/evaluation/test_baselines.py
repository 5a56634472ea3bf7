"""Naive forecasts know the train rows and nothing of what they forecast."""

from __future__ import annotations

import numpy as np
import pytest

from atb.evaluation.baselines import BASELINES


@pytest.mark.parametrize(
    ("name", "train", "expected"),
    [
        ("persistence", [0.1, 0.1], 0.0),
        ("majority", [0.1, 0.1, -0.1], 1.0),
        ("majority", [0.1, -0.1, -0.1], 0.0),
        ("majority", [0.1, -0.1], 0.0),
        ("majority", [1, 1, 0], 1.0),
        ("class_frequency", [1, 0, 0, 0], 0.25),
    ],
)
def test_by_hand(make, name, train, expected):
    given = make([0.3, 0.2, 0.1], [0.5, -0.5, 0.5])
    naive = BASELINES[name](given, np.asarray(train, float))
    assert naive.predicted.tolist() == [expected] * 3
    assert naive.actual is given.actual


@pytest.mark.parametrize("name", BASELINES)
def test_what_came_true_changes_nothing(make, name):
    train = np.array([1.0, 0.0, 1.0])
    one, other = make([0.5] * 3, [1, 1, 1]), make([0.5] * 3, [0, 0, 0])
    forecasts = [BASELINES[name](given, train).predicted for given in (one, other)]
    assert forecasts[0].tolist() == forecasts[1].tolist()
