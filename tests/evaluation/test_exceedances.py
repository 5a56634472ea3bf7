"""Tests of value at risk and expected shortfall: figures by hand, and how often they are wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb.evaluation.exceedances import coverage, depth, examined, frequency, independence

# 95 % quantile of chi-squared with 1 and with 2 degrees of freedom, from printed tables
EDGE_1, EDGE_2 = 3.8414588, 5.9914645


def test_frequency_is_the_likelihood_ratio_of_kupiec() -> None:
    found = frequency(250, 5, 0.01)
    by_hand = -2 * (
        250 * 0
        + 245 * math.log(0.99)
        + 5 * math.log(0.01)
        - 245 * math.log(0.98)
        - 5 * math.log(0.02)
    )
    assert found.statistic == pytest.approx(by_hand)
    assert found.p_value == pytest.approx(0.16185, abs=1e-4)


def test_no_exceedance_is_evidence_too() -> None:
    assert frequency(400, 0, 0.01).statistic == pytest.approx(-2 * 400 * math.log(0.99))
    assert frequency(400, 400, 0.5).statistic == pytest.approx(2 * 400 * math.log(2))


def test_as_many_as_promised_are_no_evidence() -> None:
    found = frequency(200, 10, 0.05)
    assert (found.statistic, found.p_value) == (pytest.approx(0, abs=1e-12), pytest.approx(1))


def test_independence_is_the_markov_chain_of_christoffersen() -> None:
    # 5 calm then calm, 2 calm then below, 2 below then calm, 1 below then below
    below = np.array([0, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0], bool)
    chain = 5 * math.log(5 / 7) + 2 * math.log(2 / 7) + 2 * math.log(2 / 3) + math.log(1 / 3)
    either = 7 * math.log(7 / 10) + 3 * math.log(3 / 10)
    assert independence(below).statistic == pytest.approx(2 * (chain - either))


def test_exceedances_in_a_row_are_found_and_scattered_ones_are_not() -> None:
    together, scattered = np.zeros(500, bool), np.zeros(500, bool)
    together[200:225], scattered[::20] = True, True
    assert independence(together).p_value < 1e-6
    assert independence(scattered).p_value > 0.05


def test_conditional_coverage_adds_both() -> None:
    frequent, scattered = frequency(250, 5, 0.01), independence(np.arange(250) % 50 == 0)
    both = coverage(frequent, scattered)
    assert both.statistic == frequent.statistic + scattered.statistic
    assert both.p_value == pytest.approx(math.exp(-both.statistic / 2))


def test_p_values_are_those_of_chi_squared() -> None:
    found = frequency(1000, 64, 0.05)
    assert (found.p_value < 0.05) == (found.statistic > EDGE_1)
    one, two = (type(found)(EDGE_2 / 2, 0.0) for _ in range(2))
    assert coverage(one, two).p_value == pytest.approx(0.05, abs=1e-6)


def test_depth_is_the_t_statistic_of_what_lies_beyond() -> None:
    found = depth(np.array([-3.0, -1.0, 1.0, -1.0]))
    assert found is not None
    assert found.mean == -1
    assert found.statistic == pytest.approx(-1 / (math.sqrt(8 / 3) / 2))
    assert found.p_value == pytest.approx(0.15403, abs=1e-5)  # t of -1.2247, 3 degrees of freedom


def test_too_few_say_nothing_of_depth() -> None:
    assert depth(np.array([-1.0, -2.0])) is None
    assert depth(np.full(5, -1.0)) is None


def test_an_outcome_on_the_value_at_risk_is_not_below_it() -> None:
    actual = np.array([-1.0, -2.0, 0.0, 1.0])
    found = examined(actual, np.full(4, -1.0), np.full(4, -2.0), 0.25)
    assert (found.rows, found.count, found.share) == (4, 1, 0.25)


@given(st.integers(1, 3000), st.floats(0, 1), st.floats(0.001, 0.499))
def test_statistics_are_never_negative_and_p_values_are_shares(
    rows: int, share: float, level: float
) -> None:
    found = frequency(rows, round(rows * share), level)
    assert found.statistic >= 0
    assert 0 <= found.p_value <= 1


def test_a_true_value_at_risk_is_rejected_as_often_as_the_tests_allow() -> None:
    """Standard normal outcomes, true quantile and shortfall: each test rejects about 5 % of 400."""
    random, level, edge = np.random.default_rng(1), 0.05, -1.6448536
    shortfall = -2.0627128  # -pdf(edge) / level
    rejected = np.zeros(3)
    for _ in range(400):
        actual = random.standard_normal(1000)
        found = examined(actual, np.full(1000, edge), np.full(1000, shortfall), level)
        assert found.depth is not None
        tests = (found.frequency, found.coverage, found.depth)
        rejected += [one.p_value < 0.05 for one in tests]
    assert (rejected / 400 < 0.10).all()
    assert (rejected / 400 > 0.02).all()


def test_a_wrong_value_at_risk_and_a_shallow_shortfall_are_rejected() -> None:
    actual = np.random.default_rng(2).standard_normal(4000)
    found = examined(actual, np.full(4000, -1.4), np.full(4000, -1.5), 0.05)
    assert found.depth is not None
    assert max(found.frequency.p_value, found.coverage.p_value, found.depth.p_value) < 0.001
