from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import DataError
from atb.market.bonds.pricing import Pricer
from atb.market.bonds.zero import bootstrap


def test_a_level_curve_is_compound_interest_twice_a_year(curves):
    zero = bootstrap(curves(4.0, tenors=("3M", "6M", "1Y", "5Y")))
    halves = zero.nodes[2:]
    assert halves.tolist() == [0.5 * number for number in range(1, 11)]
    np.testing.assert_allclose(np.exp(zero.log_discount[0, 2:]), 1.02 ** (-2 * halves), rtol=1e-14)
    assert np.exp(zero.log_discount[0, :2]).tolist() == pytest.approx([1, 1 / 1.01])


def test_a_rising_curve_by_hand(curves):
    zero = bootstrap(curves([2.0, 3.0], tenors=("6M", "1Y")))
    half = 1 / 1.01
    year = (1 - 0.015 * half) / 1.015
    assert np.exp(zero.log_discount[0]).tolist() == pytest.approx([1, half, year], rel=1e-15)
    factor, forward = zero.at(np.array([0]), np.array([[0.75, 1.0]]))
    assert factor[0].tolist() == pytest.approx([np.sqrt(half * year), year])
    assert forward[0].tolist() == pytest.approx([2 * np.log(half / year)] * 2)


def test_between_published_maturities_par_yields_lie_on_a_line(curves):
    whole = bootstrap(curves([2.0, 2.5, 3.0, 3.5], tenors=("6M", "1Y", "2Y", "3Y")))
    fewer = bootstrap(curves([2.0, 2.5, np.nan, 3.5], tenors=("6M", "1Y", "2Y", "3Y")))
    np.testing.assert_allclose(whole.log_discount, fewer.log_discount, rtol=1e-14)


def test_nothing_is_known_beyond_the_longest_maturity_of_a_day(curves):
    zero = bootstrap(curves([2.0, 2.0, np.nan], [2.0, 2.0, 2.0]))
    assert np.isnan(zero.log_discount[0, zero.nodes > 1]).all()
    assert np.isfinite(zero.log_discount[1]).all()
    assert np.isnan(zero.at(np.array([1]), np.array([[2.01]]))).all()


def test_each_day_stands_alone(treasury):
    few = slice(4_000, 6_000, 500)
    part = type(treasury)(treasury.time[few], treasury.years, treasury.yields[few])
    alone, together = bootstrap(part).log_discount, bootstrap(treasury).log_discount[few]
    np.testing.assert_allclose(alone, together, rtol=0, atol=1e-14)


def test_yields_that_leave_nothing_of_a_dollar_are_refused(curves):
    with pytest.raises(DataError, match="2024-01-02 make a dollar in 2 years worth -0"):
        bootstrap(curves(5.0, [1.0, 1.0, 99.0], tenors=("6M", "1Y", "2Y")))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.01, 12), min_size=6, max_size=6))
def test_a_bond_that_pays_its_par_yield_is_worth_its_face(curves, yields):
    tenors = ("1M", "3M", "6M", "1Y", "2Y", "3Y")
    made = curves(yields, tenors=tenors)
    zero = bootstrap(made)
    for years, par in zip(made.years, yields, strict=True):
        issued = Pricer(zero, made.time, float(years), np.array([par])).issued
        assert issued.value()[0] == pytest.approx(100, abs=1e-9)


def test_so_it_is_on_every_day_of_the_treasury(treasury):
    zero = bootstrap(treasury)
    assert np.nanmax(zero.log_discount[:, 1:]) <= 0  # true zeros of bills: a dollar is a dollar
    for years in treasury.years:
        par = treasury.of(float(years))
        value = Pricer(zero, treasury.time, float(years), par).issued.value()
        np.testing.assert_allclose(value[np.isfinite(par)], 100, atol=1e-9)
        assert np.isnan(value[np.isnan(par)]).all()
