"""Thresholds that give predictions the class frequencies of train rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.evaluation.cut import classes, thresholds


def cut(predicted, actual) -> list[int]:
    predicted = np.asarray(predicted, float)
    return classes(predicted, *thresholds(predicted, np.asarray(actual, float))).tolist()


@pytest.mark.parametrize(
    ("predicted", "actual", "expected"),
    [
        ([-0.2, 0.1, 0.3, -0.4, 0.0], [0, 1, 2, 0, 1], [0, 1, 2, 0, 1]),
        ([5, 6, 7, 8], [2, 2, 2, 0], [0, 2, 2, 2]),  # whatever their mean
        ([1, 2, 3], [1, 1, 1], [1, 1, 1]),
        ([1, 2, 3], [0, 0, 0], [0, 0, 0]),
        ([1, 2, 3], [2, 2, 2], [2, 2, 2]),
        ([7, 7, 7, 7], [0, 1, 1, 2], [1, 1, 1, 1]),  # a forecast that says nothing
        ([1, 1, 2, 3], [0, 1, 1, 2], [1, 1, 1, 2]),  # equal ones are not torn apart
    ],
)
def test_by_hand(predicted, actual, expected):
    assert cut(predicted, actual) == expected


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60), st.integers(0, 2**32 - 1))
def test_distinct_predictions_fall_into_classes_as_often_as_labels(actual, seed):
    predicted = np.random.default_rng(seed).permutation(len(actual)) - 7.0
    found = np.bincount(cut(predicted, actual), minlength=3)
    assert found.tolist() == np.bincount(actual, minlength=3).tolist()


def test_other_rows_are_cut_where_train_rows_were():
    low, high = thresholds(np.array([1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0]))
    assert classes(np.array([-9.0, 2.0, 2.5, 9.0]), low, high).tolist() == [0, 1, 2, 2]
