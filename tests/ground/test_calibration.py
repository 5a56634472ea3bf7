"""Probabilities mapped by temperatures and curves written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.calibration import Calibration, Curves

CURVE = Curves(np.array([[0.2, 0.4, 0.8]]), np.array([[0.1, 0.5, 0.7]]))


@given(st.floats(0, 1))
def test_a_curve_is_straight_between_its_knots(probability):
    expected = np.interp(probability, CURVE.knots[0], CURVE.levels[0])
    assert CURVE(np.array([[probability]])) == pytest.approx(expected, abs=1e-12)


def test_each_horizon_and_class_has_its_own_curve():
    knots = np.tile([0.0, 1.0], (2, 3, 1))
    levels = knots * np.array([0.5, 1.0, 0.25])[:, np.newaxis]
    served = np.full((1, 2, 3), 0.4)
    expected = np.array([0.2, 0.4, 0.1]) / 0.7
    found = Calibration(curves=Curves(knots, levels)).applied(served)
    np.testing.assert_allclose(found, np.tile(expected, (1, 2, 1)))


def test_each_horizon_has_its_own_temperature():
    cooled = Calibration(temperature=np.array([2.0, 4.0]))
    assert cooled.logits(np.array([[2.0, 4.0]])).tolist() == [[1.0, 1.0]]
    six = np.array([[2.0, 4.0, 6.0, 4.0, 8.0, 12.0]])
    assert cooled.logits(six).tolist() == [[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]]
    assert cooled.parameters(1) == {"temperature": 4.0}


def test_a_curve_says_its_numbers():
    assert Calibration(curves=CURVE).parameters(0) == {
        "knots": [0.2, 0.4, 0.8],
        "levels": [0.1, 0.5, 0.7],
    }
