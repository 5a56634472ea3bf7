"""Words of evidence follow from the losses, the trials and the interval."""

from __future__ import annotations

import numpy as np
import pytest

from atb.evaluation.significance import adjusted, diebold_mariano
from atb.evaluation.skill import compared, said

ROWS = 500
NAIVE = np.random.default_rng(0).exponential(1, ROWS)
NOISE = np.random.default_rng(1).normal(0, 0.5, ROWS)


def given(better_by, trials=1, *, better=True, horizon=1):
    naive = {"weak": NAIVE + 1, "strong": NAIVE}
    return compared(NAIVE - better_by + NOISE, naive, horizon, trials, better=better)


def test_the_best_baseline_is_the_one_to_beat():
    found = given(0.2)
    expected = diebold_mariano(NAIVE - 0.2 + NOISE, NAIVE, 1)
    assert (found.test, found.baseline) == ("Diebold-Mariano", "strong")
    assert (found.statistic, found.p_value) == (expected.statistic, expected.p_value)
    assert found.words == "evidence of skill (p < 0.001 after 1 trial)"


def test_a_choice_costs_evidence():
    one, many = given(0.04), given(0.04, trials=50)
    assert one.p_value == many.p_value == one.adjusted_p_value < 0.01
    assert many.adjusted_p_value == adjusted(one.p_value, 50)
    assert one.words == f"evidence of skill ({said(one.p_value)} after 1 trial)"
    assert many.words == f"no evidence of skill ({said(many.adjusted_p_value)} after 50 trials)"
    assert given(0.04, trials=1000).words.endswith("after 1,000 trials)")


def test_both_the_test_and_the_interval_must_say_so():
    assert given(0.2, better=False).words == "no evidence of skill (p < 0.001 after 1 trial)"
    assert given(-0.2).words == "no evidence of skill (p = 1.00 after 1 trial)"


def test_the_level_is_that_of_one_side_of_the_interval():
    losses = np.tile([1.0, -1.0], 200)
    found = {
        by: compared(losses - by, {"naive": np.zeros(400)}, 1, 1, better=True)
        for by in (0.097, 0.099)
    }
    assert [one.words[:2] for one in found.values()] == ["no", "ev"]
    assert [one.p_value for one in found.values()] == pytest.approx([0.0265, 0.0242], abs=2e-4)


def test_a_horizon_is_as_long_as_the_rows_can_test():
    short = compared(NOISE[:30], {"naive": np.zeros(30)}, 29, 1, better=True)
    longest = diebold_mariano(NOISE[:30], np.zeros(30), 8)
    assert (short.statistic, short.p_value) == (longest.statistic, longest.p_value)
    assert compared(NOISE[:2], {"naive": np.zeros(2)}, 9, 1, better=True).p_value < 1
    assert given(0.2, horizon=5).statistic != given(0.2).statistic
