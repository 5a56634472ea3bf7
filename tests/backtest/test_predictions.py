"""What is no prediction is never traded or judged."""

from __future__ import annotations

import numpy as np
import pytest

from atb.errors import DivergedError


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused(predict, value):
    with pytest.raises(DivergedError, match="1 of 3 predictions are not a finite number: number 1"):
        predict([0, 1, 2], [0.1, value, 0.1])


def test_a_probability_lies_between_0_and_1(predict):
    assert len(predict([0, 1], [0.0, 1.0], "probability")) == 2
    with pytest.raises(DivergedError, match=r"no probability between 0 and 1: number 0 is 1\.1"):
        predict([0, 1], [1.1, 1.0], "probability")


def test_a_volatility_is_one_that_a_market_can_have(predict):
    assert len(predict([0, 1], [-1e4, 100.0], "log_volatility")) == 2
    with pytest.raises(DivergedError, match="no logarithm of a volatility: number 1 is 1000"):
        predict([0, 1], [-5.0, 1000.0], "log_volatility")


@pytest.mark.parametrize("rows", [[1, 1], [2, 1], [-1, 0]])
def test_rows_rise(predict, rows):
    with pytest.raises(ValueError, match="must rise"):
        predict(rows, [0.1, 0.1])


def test_rows_and_values_belong_together(predict):
    with pytest.raises(ValueError, match="must be"):
        predict([0, 1], [0.1])


def test_three_probabilities_sum_to_1(predict):
    assert len(predict([0, 1], [[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]], "probabilities")) == 2
    assert len(predict([0], [[0.2, 0.3, 0.50009]], "probabilities")) == 1
    with pytest.raises(
        DivergedError, match=r"1 of 2 .* do not sum to 1: number 1 is 0\.2, 0\.3, 0"
    ):
        predict([0, 1], [[0.2, 0.3, 0.5], [0.2, 0.3, 0.4]], "probabilities")
    with pytest.raises(DivergedError, match=r"no probability .* is -0\.1, 0\.6, 0\.5"):
        predict([0], [[-0.1, 0.6, 0.5]], "probabilities")
    with pytest.raises(DivergedError, match="not a finite number: number 0 is nan, 0, 1"):
        predict([0], [[np.nan, 0.0, 1.0]], "probabilities")


@pytest.mark.parametrize(
    ("unit", "value"),
    [("return", [[0.1]]), ("probability", [[0.1, 0.9]]), ("probabilities", [0.1])],
)
def test_each_unit_has_its_shape(predict, unit, value):
    with pytest.raises(ValueError, match="have shape"):
        predict([0], value, unit)


def test_none_at_all_are_valid(predict):
    assert len(predict([], np.empty((0, 3)), "probabilities")) == 0
