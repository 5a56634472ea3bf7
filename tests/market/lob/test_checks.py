"""Each check of a book counts exactly what was planted, names its row, and stops what is fatal."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import DataError
from atb.market.lob import checks
from atb.market.lob.book import EXACT, SIDES, Book

DAY = 1_704_067_200_000_000_000  # 2024-01-01 in ns
NAN, INF = float("nan"), float("inf")


def book(rows=1200, depth=3, **changed):
    """Asks at 101, 102, ... and bids at 99, 98, ..., sizes 1, 2, ...; an event each second."""
    step = np.arange(depth, dtype=np.float32)
    levels = np.stack([101 + step, 1 + step, 99 - step, 1 + step], axis=1).reshape(1, -1)
    columns = {
        "time_ns": DAY + 10**9 * np.arange(rows, dtype=np.int64),
        "levels": np.repeat(levels, rows, axis=0),
        "traded": np.zeros(rows),
        "session": np.zeros(rows),
        "tick": 0.01,
    }
    return Book("GOOG", **{**columns, **changed})


def planted(*cells, rows=1200, **changed):
    """A good book with cells changed: (row, name of the side, level from 1, value)."""
    levels = np.array(book(rows).levels)
    for row, side, level, value in cells:
        levels[row, 4 * (level - 1) + SIDES.index(side)] = value
    return book(rows, levels=levels, **changed)


def found(report):
    return {name: count for name, count in report.counts.items() if count}


def row_of(report, name):
    return next(finding.row for finding in report.findings if finding.check.name == name)


def test_a_good_book_passes():
    report = checks.inspect(book())
    assert (found(report), report.rows, report.fatal) == ({}, 1200, ())
    checks.require(report, "here")


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ([("ask_price", 1, NAN)], {"bad price", "no best price"}),
        ([("bid_price", 2, NAN)], {"bad price", "hole"}),
        ([("ask_price", 3, INF)], {"bad price"}),
        ([("bid_size", 1, NAN)], {"bad size"}),
        ([("bid_size", 1, INF)], {"bad size"}),
        ([("ask_size", 2, -1)], {"negative size"}),
        ([("ask_size", 2, 0)], {"price without size"}),
        ([("ask_price", 1, NAN), ("ask_size", 1, 0)], {"no best price"}),
        ([("bid_price", 2, NAN), ("bid_size", 2, 0)], {"hole"}),
        ([("bid_price", 3, -1)], {"non-positive price"}),
        ([("bid_price", 3, 0)], {"non-positive price"}),
        ([("ask_price", 2, 101)], {"level order"}),
        ([("bid_price", 2, 99)], {"level order"}),
        ([("bid_price", 2, 99.5)], {"level order", "off tick"}),
        ([("bid_price", 1, 102)], {"crossed"}),
        ([("ask_price", 3, EXACT)], {"too many ticks"}),
        ([("bid_price", 3, 96.5)], {"off tick"}),
    ],
)
def test_bad_cells_are_found_and_fatal(cells, problem):
    report = checks.inspect(planted(*[(700, *cell) for cell in cells]))
    fatal = {finding.check.name: finding for finding in report.fatal}
    assert set(fatal) == problem
    assert {(finding.count, finding.row) for finding in fatal.values()} == {(1, 700)}
    with pytest.raises(DataError, match=f"{next(iter(fatal))}: 1 rows") as caught:
        checks.require(report, "x.zip")
    assert caught.value.where == "x.zip, row 700, counted from 0 (2024-01-01T00:11:40Z)"
    assert caught.value.remedy


def test_trades_must_be_numbers():
    traded = np.zeros(1200)
    traded[[3, 5]] = NAN, -INF
    report = checks.inspect(book(traded=traded))
    assert found(report) == {"bad trade": 2}
    assert row_of(report, "bad trade") == 3


def test_time_may_stand_still_and_must_not_fall():
    time = np.array(book().time_ns)
    time[10] = time[9]
    report = checks.inspect(planted((10, "bid_size", 1, 5), time_ns=time))
    assert found(report) == {}
    time[10] += 1
    time[600:] -= 10**12
    report = checks.inspect(book(time_ns=time))
    assert found(report) == {"time backwards": 1}
    assert row_of(report, "time backwards") == 600
    session = np.arange(1200) >= 600
    report = checks.inspect(book(time_ns=time, session=session))
    assert found(report) == {"time backwards": 1}  # the later day would be learned from
    assert found(checks.inspect(book(session=~session))) == {"session backwards": 1}


def test_absent_levels_locked_rows_and_repeats_are_noted():
    gone = [(row, "bid_price", 3, NAN) for row in (4, 9)] + [
        (row, "bid_size", 3, 0) for row in (4, 9)
    ]
    time = np.array(book().time_ns)
    time[21:23] = time[20]
    time[9] = time[8]
    report = checks.inspect(planted(*gone, (30, "bid_price", 1, 101), time_ns=time))
    assert found(report) == {"absent levels": 2, "locked": 1, "duplicates": 2}
    assert row_of(report, "duplicates") == 21  # 9 lacks a level that 8 has
    checks.require(report, "here")


def test_crossed_is_fatal_wherever_it_is():
    crossed = [(row, "bid_price", 1, 102) for row in (0, 1, 600, 900)]
    report = checks.inspect(planted(*crossed, session=np.arange(1200) >= 600))
    assert found(report) == {"crossed": 4}
    most = checks.inspect(planted(*[(row, "bid_price", 1, 102) for row in range(1199)]))
    with pytest.raises(DataError, match="crossed: 1,199 rows"):
        checks.require(most, "here")


@pytest.mark.parametrize("row", [1, 399, 400, 401, 1199])
def test_parts_are_refused_as_the_whole_is(row):
    time_ns = np.array(book().time_ns)
    time_ns[row:] -= 10**10
    whole = book(time_ns=time_ns)
    parts = [whole.rows(start, start + 400) for start in (0, 400, 800)]
    with pytest.raises(DataError, match=rf"here, row {row}, counted from 0.*backwards: 1 rows"):
        checks.require_parts(parts, "here")
    with pytest.raises(DataError, match="there are no rows"):
        checks.require_parts([book().rows(0, 0)], "here")
    checks.require_parts([book().rows(start, start + 300) for start in range(0, 1200, 300)], "here")


def test_normalised_prices_have_neither_order_nor_sign():
    levels = np.random.default_rng(7).normal(size=(1200, 12))
    levels[5, 1] = 0
    assert found(checks.inspect(book(levels=levels, tick=None))) == {}
    levels[7, 2] = NAN
    assert set(found(checks.inspect(book(levels=levels, tick=None)))) == {
        "bad price",
        "no best price",
        "absent levels",
    }


def test_short_books_are_noted_and_empty_ones_refused():
    report = checks.inspect(book(999))
    assert found(report) == {"few rows": 999}
    checks.require(report, "here")
    with pytest.raises(DataError, match="there are no rows"):
        checks.require(checks.inspect(book(0)), "here")


@settings(max_examples=200, deadline=None)
@given(
    row=st.integers(0, 49),
    column=st.integers(0, 11),
    value=st.sampled_from([NAN, INF, -INF]),
)
def test_nothing_infinite_passes(row, column, value):
    levels = np.array(book(50).levels)
    levels[row, column] = value
    with pytest.raises(DataError, match=f"row {row}, "):
        checks.require(checks.inspect(book(50, levels=levels)), "x")


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_duplicates_are_rows_equal_to_the_one_before(rows):
    base = book(4, levels=np.array(book(4).levels) + np.arange(4)[:, None] * np.tile([1, 0], 6))
    some = replace(
        base,
        time_ns=np.full(len(rows), DAY),
        levels=base.levels[rows],
        traded=np.zeros(len(rows)),
        session=np.zeros(len(rows)),
    )
    same = sum(a == b for a, b in pairwise(rows))
    assert checks.inspect(some).counts["duplicates"] == same
