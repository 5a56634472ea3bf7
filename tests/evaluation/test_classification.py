"""Decided classes by hand and against scikit-learn, in shares, means and resamples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from atb.evaluation.classification import (
    NAMES,
    OVERALL,
    confusion,
    likeliest,
    macro_f1,
    per_class,
)

decisions = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=60)


def certain(classes: int, decided) -> np.ndarray:
    return np.eye(classes)[np.asarray(decided)]


def of(outcome, classes: int) -> dict[str, float]:
    return {metric.name: metric.of(outcome) for metric in (*OVERALL, *per_class(classes))}


def test_by_hand(make):
    actual, decided = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 2, 2]
    assert confusion(np.array(actual, float), np.array(decided), 3).tolist() == [
        [2, 1, 0],
        [0, 1, 1],
        [0, 0, 1],
    ]
    found = of(make(certain(3, decided), actual), 3)
    assert found == pytest.approx(
        {
            "accuracy": 4 / 6,
            "macro_f1": (4 / 5 + 2 / 4 + 2 / 3) / 3,
            "mcc": (4 * 6 - (3 * 2 + 2 * 2 + 1 * 2)) / np.sqrt((36 - 14) * (36 - 12)),
            "precision_down": 1.0,
            "recall_down": 2 / 3,
            "precision_flat": 1 / 2,
            "recall_flat": 1 / 2,
            "precision_up": 1 / 2,
            "recall_up": 1.0,
        }
    )


def test_two_classes_correlate_as_matthews_has_it(make):
    """3 of 4 rises found, 4 of 6 falls: (TP TN - FP FN) over the root of the four sums."""
    actual, decided = [1, 1, 1, 1, 0, 0, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0, 0, 0, 1, 1]
    found = of(make(certain(2, decided), actual), 2)
    assert found["mcc"] == pytest.approx((3 * 4 - 2 * 1) / np.sqrt(5 * 4 * 6 * 5))
    assert of(make(certain(2, actual), actual), 2)["mcc"] == pytest.approx(1)
    assert of(make(certain(2, 1 - np.array(actual)), actual), 2)["mcc"] == pytest.approx(-1)


def test_three_classes_correlate_as_gorodkin_has_it(make):
    """A cycle is never right: -1 / 2, as far from chance as three equal classes can be."""
    actual = [0, 1, 2, 0, 1, 2]
    assert of(make(certain(3, actual), actual), 3)["mcc"] == pytest.approx(1)
    assert of(make(certain(3, [1, 2, 0, 1, 2, 0]), actual), 3)["mcc"] == pytest.approx(-1 / 2)


def test_one_class_alone_has_no_correlation_though_its_shares_are_rounded(make):
    """4 / 6 + 1 / 6 + 1 / 6 is less than 1 in floating point."""
    decided = np.repeat([0, 1, 2], [4, 1, 1])
    found = of(make(certain(3, decided), np.zeros(6)), 3)
    assert found["mcc"] == 0
    assert of(make(certain(3, np.zeros(6, int)), decided), 3)["mcc"] == 0


def test_recall_of_what_never_came_true_is_undefined_and_precision_without_a_decision_is_0(make):
    three = of(make(certain(3, [0, 1, 1, 1]), [0, 0, 1, 1]), 3)
    assert np.isnan(three["recall_up"])
    assert three["precision_up"] == 0
    assert (three["recall_down"], three["recall_flat"]) == (0.5, 1.0)
    assert (three["precision_down"], three["precision_flat"]) == (1.0, pytest.approx(2 / 3))
    two = of(make(np.array([0.9, 0.2]), [0, 0]), 2)
    assert np.isnan(two["recall_up"])
    assert (two["recall_down"], two["precision_up"], two["precision_down"]) == (0.5, 0.0, 1.0)


def test_one_half_is_not_a_rise(make):
    predicted = np.array([0.9, 0.6, 0.4, 0.5])
    assert likeliest(predicted).tolist() == [1, 1, 0, 0]
    found = of(make(predicted, [1, 0, 1, 0]), 2)
    assert found["accuracy"] == found["precision_up"] == found["recall_down"] == 0.5


@settings(deadline=None)
@given(decisions)
def test_they_are_those_of_scikit_learn(make, pairs):
    actual, decided = np.array(pairs).T
    found = of(make(certain(3, decided), actual), 3)
    named = {"labels": [0, 1, 2], "average": None, "zero_division": 0}
    assert found["accuracy"] == pytest.approx(oracle.accuracy_score(actual, decided))
    macro = oracle.f1_score(actual, decided, labels=[0, 1, 2], average="macro", zero_division=0)
    assert found["macro_f1"] == pytest.approx(macro)
    assert macro_f1(actual.astype(float), decided, 3) == pytest.approx(macro)
    if len(set(actual) | set(decided)) > 1:
        expected = oracle.matthews_corrcoef(actual, decided)
        assert found["mcc"] == pytest.approx(expected, abs=1e-9)
    precision = oracle.precision_score(actual, decided, **named)
    recall = oracle.recall_score(actual, decided, **named)
    for index, name in enumerate(NAMES[3]):
        assert found[f"precision_{name}"] == pytest.approx(precision[index])
        if index in actual:
            assert found[f"recall_{name}"] == pytest.approx(recall[index])
        else:
            assert np.isnan(found[f"recall_{name}"])


@settings(deadline=None)
@given(decisions)
def test_means_of_many_resamples_are_measured_at_once(make, pairs):
    actual, decided = np.array(pairs).T
    outcome = make(certain(3, decided), actual)
    drawn = np.random.default_rng(0).integers(0, len(pairs), (5, len(pairs)))
    for metric in (*OVERALL, *per_class(3)):
        means = metric.columns(outcome)[drawn].mean(axis=1)
        single = [metric.value(row) for row in means]
        np.testing.assert_allclose(metric.value(means), single, atol=1e-12)


def test_who_always_says_the_same_has_no_correlation(make):
    for actual in ([0, 1, 2, 2], [1, 1, 1, 1]):
        found = of(make(certain(3, [1, 1, 1, 1]), actual), 3)
        assert found["mcc"] == 0
        assert found["precision_down"] == 0


def test_a_drawn_class_counts_in_expectation(make):
    """Chance: every class is right as often as it comes true, found as often as it is said."""
    actual = np.repeat([0, 1, 2], [20, 50, 30])
    said = np.array([0.5, 0.1, 0.4])
    guess = make(np.tile(said, (100, 1)), actual)
    found = of(replace(guess, drawn=True), 3)
    assert found["accuracy"] == pytest.approx(0.2 * 0.5 + 0.5 * 0.1 + 0.3 * 0.4)
    assert found["mcc"] == pytest.approx(0, abs=1e-12)
    for name, true, decided in zip(NAMES[3], [0.2, 0.5, 0.3], said, strict=True):
        assert found[f"precision_{name}"] == pytest.approx(true)
        assert found[f"recall_{name}"] == pytest.approx(decided)
    draws = np.random.default_rng(0).choice(3, 200_000, p=said)
    many = of(make(certain(3, draws), np.resize(actual, 200_000)), 3)
    assert many["macro_f1"] == pytest.approx(found["macro_f1"], abs=0.005)


def test_a_certain_class_is_drawn_or_taken_alike(make):
    outcome = make(certain(3, [0, 1, 2, 2]), [0, 1, 1, 2])
    assert of(replace(outcome, drawn=True), 3) == of(outcome, 3)
