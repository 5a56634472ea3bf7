"""A line's decisions are cut where train rows say, whatever comes after them."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from atb.config.targets import MidPriceTarget
from atb.studies import suite_recipes

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

TRAIN, TEST = np.arange(200, 1400), np.arange(1900, 2300)


def made(history: Any, smoothing: Any = "ahead") -> Any:
    """Classes of a book whose first rows are train rows."""
    from atb.studies.decided import classes_of

    config = suite_recipes.recipes(("ols",), None, source="sample")["ols"]
    dataset: Any = SimpleNamespace(split=SimpleNamespace(train=TRAIN, test=TEST))
    return classes_of(MidPriceTarget(horizon=1, smoothing=smoothing), config, history, dataset)


@pytest.mark.parametrize("smoothing", ["ahead", "both"])
def test_what_comes_after_train_rows_moves_no_threshold(book, smoothing):
    levels = book.levels.copy()
    random = np.random.default_rng(1)
    levels[1600:, 0::2] += random.integers(-50, 50, (len(book) - 1600, 1))
    wild = replace(book, levels=levels)
    one, other = made(book, smoothing), made(wild, smoothing)
    assert one.shape == (len(book), 4)  # the line's horizons, not the target's
    assert np.array_equal(one[TRAIN], other[TRAIN])
    assert not np.array_equal(one[TEST], other[TEST])
    shares = [np.bincount(column.astype(int), minlength=3) / len(TRAIN) for column in one[TRAIN].T]
    assert np.abs(np.array(shares)[:, 1] - 1 / 3).max() < 0.25  # about a third is flat


def test_decisions_are_cut_where_train_rows_say():
    from atb.studies.decided import decisions

    learned = np.stack([np.arange(-10.0, 10.0), np.arange(0.0, 20.0)], axis=1)
    classes = np.repeat([0.0, 1.0, 2.0], [5, 10, 5])[:, np.newaxis].repeat(2, axis=1)
    predicted = np.array([[-7.0, 3.0], [-1.0, 7.0], [7.0, 17.0], [9.0, 100.0]])
    found = decisions(learned, classes, predicted)
    assert found.tolist() == [[0, 0], [1, 1], [2, 2], [2, 2]]
    assert decisions(learned, classes, predicted[2:]).tolist() == [[2, 2], [2, 2]]
