from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from atb.clock import DAY_MS, YEAR_MS
from atb.market.bonds import pricing
from atb.market.bonds.build import build
from atb.market.bonds.pricing import Pricer
from atb.market.bonds.zero import ZeroCurves, bootstrap

YEAR = DAY_MS / YEAR_MS


def test_two_payments_by_hand(curves):
    made = curves([2.0, 3.0], [4.0, 4.0], tenors=("6M", "1Y"))
    pricer = Pricer(bootstrap(made), made.time, 1.0, np.array([6.0, 6.0]))
    half = 1 / 1.01
    year = (1 - 0.015 * half) / 1.015
    value = 3 * half + 103 * year
    assert pricer.issued.value()[0] == pytest.approx(value)
    assert pricer.issued.duration[0] == pytest.approx((1.5 * half + 103 * year) / value)
    assert pricer.issued.convexity[0] == pytest.approx((0.75 * half + 103 * year) / value)
    flat = 3 * 1.02 ** -(1 - 2 * YEAR) + 103 * 1.02 ** -(2 - 2 * YEAR)
    assert pricer.next_day.value()[0] == pytest.approx(flat)


def test_a_bill_pays_once(curves):
    made = curves(4.0, tenors=("3M", "6M"))
    issued = Pricer(bootstrap(made), made.time, 0.25, np.array([4.0])).issued
    assert (issued.years.tolist(), issued.duration.tolist()) == ([[0.25]], [0.25])
    assert issued.value().tolist() == pytest.approx([100])


def test_a_later_value_is_that_of_the_same_payments_on_the_same_curve_sooner(treasury):
    zero, rows = bootstrap(treasury), np.arange(len(treasury))
    issued = Pricer(zero, treasury.time, 10.0, treasury.of(10.0)).issued
    for days in (1, 3, 5):
        sooner = issued.years - days * YEAR
        payments = issued.worth / zero.at(rows, issued.years)[0]
        moved = (payments * zero.at(rows, sooner)[0]).sum(axis=1)
        np.testing.assert_allclose(issued.value(days * YEAR), moved, rtol=1e-13)


def test_duration_and_convexity_are_what_a_parallel_shift_shows(treasury):
    zero, step = bootstrap(treasury), 1e-4
    values = []
    for shift in (-step, 0.0, step):
        moved = ZeroCurves(zero.nodes, zero.log_discount - shift * zero.nodes)
        values.append(Pricer(moved, treasury.time, 5.0, treasury.of(5.0)).issued.value())
    down, same, up = values
    issued = Pricer(zero, treasury.time, 5.0, treasury.of(5.0)).issued
    np.testing.assert_allclose((down - up) / (2 * step * same), issued.duration, rtol=1e-6)
    second = (down - 2 * same + up) / (step**2 * same)
    np.testing.assert_allclose(second, issued.convexity, rtol=1e-4)


def test_each_bond_is_priced_once_on_a_curve(treasury, monkeypatch):
    real, pairs, calls = pricing.discounted, [], []

    def counted(zero, rows, years, payments):
        calls.append(len(rows))
        issued = treasury.time[rows] - np.round((10.0 - years[:, 0]) * YEAR_MS).astype(np.int64)
        pairs.extend(zip(issued.tolist(), treasury.time[rows].tolist(), strict=True))
        return real(zero, rows, years, payments)

    monkeypatch.setattr(pricing, "discounted", counted)
    bonds = build(treasury, "UST10Y")
    days = len(bonds)
    assert calls == [days, days - 1]
    assert len(set(pairs)) == len(pairs) == 2 * days - 1
    time = bonds.time.tolist()
    assert set(pairs) == {*zip(time, time, strict=True), *pairwise(time)}
