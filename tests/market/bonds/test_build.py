from __future__ import annotations

import numpy as np
import pytest

from atb.clock import DAY_MS, YEAR_MS, parse_time
from atb.errors import DataError, UsageError
from atb.market.bonds.bonds import COLUMNS, Bonds
from atb.market.bonds.build import build

TENORS = ("3M", "6M", "1Y", "2Y", "10Y")
YEAR = DAY_MS / YEAR_MS


def column(bonds: Bonds, name: str):
    return bonds.values[:, COLUMNS.index(name)]


def test_a_curve_that_stays_makes_its_carry_and_nothing_more(curves):
    level = [400 * (1.02**0.5 - 1), 4.0, 4.0, 4.0, 4.0]  # a bill has simple interest
    bonds = build(curves(level, level, level, tenors=TENORS), "UST10Y")
    assert bonds.price.tolist() == pytest.approx([100, 100, 100], abs=1e-9)
    grown = 2 * np.log(1.02) * YEAR  # four percent a year, compounded twice
    assert column(bonds, "carry").tolist() == pytest.approx([1e4 * grown] * 3)
    assert column(bonds, "fair_value").tolist() == pytest.approx([100, *[100 * np.exp(grown)] * 2])


def test_a_move_by_hand(curves):
    bonds = build(curves(4.0, 5.0, tenors=TENORS), "UST1Y")
    payments, years = np.array([2.0, 102.0]), np.array([0.5, 1.0]) - YEAR
    fair = (payments * 1.02 ** (-2 * years)).sum()
    value = (payments * 1.025 ** (-2 * years)).sum()
    assert column(bonds, "fair_value")[1] == pytest.approx(fair)
    assert bonds.price.tolist() == pytest.approx([100, 100 * value / fair])


def test_a_weekend_earns_three_days_of_carry(curves):
    time = [parse_time("2024-01-05"), parse_time("2024-01-08")]
    bonds = build(curves(4.0, 4.0, tenors=TENORS, time=time), "UST2Y")
    assert column(bonds, "fair_value")[1] == pytest.approx(100 * 1.02 ** (2 * 3 * YEAR))
    assert bonds.price[1] == pytest.approx(100)


def test_level_slope_and_curvature_are_of_three_maturities(curves):
    bonds = build(curves([1.0, 1.5, 2.0, 2.5, 3.0], tenors=TENORS), "UST1Y")
    found = [column(bonds, name)[0] for name in ("yield", "level", "slope", "curvature")]
    assert found == [2.0, 3.0, 2.0, 2 * 2.5 - 1.0 - 3.0]


def test_a_coupon_of_ones_own(curves):
    bonds = build(curves(4.0, 4.1, 4.0, tenors=TENORS), "UST10Y", coupon=8.0)
    annuity = (1 - 1.02**-20) / 0.02
    assert column(bonds, "fair_value")[0] == pytest.approx(4 * annuity + 100 * 1.02**-20)
    assert (
        column(bonds, "duration")[0]
        < column(build(curves(4.0, tenors=TENORS), "UST10Y"), "duration")[0]
    )
    assert bonds.facts()["coupon"] == 8.0


def test_nothing_is_compared_over_a_break(curves):
    days = ("2024-01-05", "2024-01-08", "2024-01-25", "2024-01-26")  # 12 weekdays are absent
    time = [parse_time(day) for day in days]
    bonds = build(curves(4.0, 4.5, 9.0, 9.0, tenors=TENORS, time=time), "UST10Y")
    assert bonds.price[2] == bonds.price[1] != bonds.price[0]
    assert column(bonds, "fair_value")[2] == pytest.approx(100)


def test_days_without_the_maturity_are_left_out(curves):
    whole, without = [4.0] * 5, [4.0, 4.0, 4.0, np.nan, 4.0]
    bonds = build(curves(whole, without, whole, tenors=TENORS), "UST2Y")
    assert np.diff(bonds.time).tolist() == [2 * DAY_MS]


@pytest.mark.parametrize(
    ("symbol", "error", "what"),
    [
        ("UST4Y", DataError, "no yields of 4Y for UST4Y, only of 3M, 6M, 1Y, 2Y, 10Y"),
        ("UST18M", DataError, "no yields of"),
        ("BTCUSDT", UsageError, "BTCUSDT names no bond"),
        ("10Y", UsageError, "10Y names no bond"),
    ],
)
def test_a_maturity_that_is_not_there_is_named(curves, symbol, error, what):
    with pytest.raises(error, match=what):
        build(curves(4.0, tenors=TENORS), symbol)


def test_yields_without_what_the_curve_is_described_by_are_refused(curves):
    with pytest.raises(DataError, match="no yields of 3M, 10Y, only of 6M, 1Y, 2Y"):
        build(curves(4.0), "UST2Y")


def test_a_row_is_made_from_its_day_and_those_before(treasury):
    cut = 3_000
    short = type(treasury)(treasury.time[:cut], treasury.years, treasury.yields[:cut])
    whole = build(treasury, "UST10Y").rows(0, cut)
    np.testing.assert_allclose(build(short, "UST10Y").values, whole.values, rtol=1e-13, atol=1e-12)


@pytest.mark.parametrize("symbol", ["UST6M", "UST2Y", "UST10Y", "UST20Y"])
def test_the_treasurys_bonds_move_as_duration_and_convexity_say(treasury, symbol):
    bonds = build(treasury, symbol)
    assert np.isfinite(bonds.values).all()
    made, moved = np.diff(np.log(bonds.price)), np.diff(column(bonds, "yield")) / 100
    duration, convexity = column(bonds, "duration")[:-1], column(bonds, "convexity")[:-1]
    said = -duration * moved + (convexity - duration**2) / 2 * moved**2
    assert np.corrcoef(made, said)[0, 1] > 0.9995
    assert abs(np.polyfit(said, made, 1)[0] - 1) < 0.06  # no shift is quite parallel


def test_the_long_bond_was_not_published_for_four_years(treasury):
    bonds = build(treasury, "UST30Y")
    assert len(np.unique(bonds.segments(10_000))) == 2
    assert bonds.breaks > 1_000
    assert np.abs(np.diff(np.log(bonds.price))).max() < 0.1
