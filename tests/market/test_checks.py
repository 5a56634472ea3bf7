"""Each check counts exactly what was planted, names its row, and stops what is fatal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import DataError
from atb.market import checks
from atb.market.candles import COLUMNS

HOUR = 3_600_000
START = 1_704_067_200_000  # 2024-01-01


def changed(bars, name, row, value, rows=8):
    """Valid candles with one cell changed."""
    column = np.array(getattr(bars(rows), name))
    column[row] = value
    return bars(rows, **{name: column})


def found(report):
    return {name: count for name, count in report.counts.items() if count}


def row_of(report, name):
    return next(finding.row for finding in report.findings if finding.check.name == name)


def test_good_candles_pass(bars):
    report = checks.inspect(bars())
    assert found(report) == {}
    assert (report.rows, report.fatal) == (8, ())
    checks.require(report, "here")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("close", np.nan, "non-finite"),
        ("volume", np.inf, "non-finite"),
        ("low", 0.0, "non-positive price"),
        ("low", -1.0, "non-positive price"),
        ("high", 1.0, "high below low"),
        ("high", 103.5, "open or close outside"),
        ("low", 104.5, "open or close outside"),
        ("volume", -1e-9, "negative volume"),
    ],
)
def test_one_bad_cell_is_found_and_fatal(bars, name, value, problem):
    report = checks.inspect(changed(bars, name, 4, value))
    assert found(report) == {problem: 1}
    assert row_of(report, problem) == 4
    with pytest.raises(DataError, match=f"{problem}: 1 rows") as caught:
        checks.require(report, "x.csv")
    assert caught.value.where == "x.csv, row 4, counted from 0 (2024-01-01T04:00:00Z)"
    assert caught.value.remedy


def test_zero_volume_and_gaps_are_counted_and_not_fatal(bars):
    time = np.array(bars().time)
    time[5:] += 3 * HOUR
    report = checks.inspect(bars(time=time, volume=[0, 1, 0, 3, 4, 5, 6, 7]))
    assert found(report) == {"zero volume": 2, "gaps": 3}
    assert (row_of(report, "zero volume"), row_of(report, "gaps")) == (0, 5)
    checks.require(report, "here")


def test_order_and_duplicates(bars):
    report = checks.inspect(bars(5, time=START + HOUR * np.array([0, 2, 1, 2, 4])))
    assert found(report) == {"order": 1, "duplicates": 1, "gaps": 1}
    assert (row_of(report, "order"), row_of(report, "duplicates")) == (2, 3)
    with pytest.raises(DataError, match=r"not in order \(order: 1 rows; also duplicates 1\)"):
        checks.require(report, "here")


@pytest.mark.parametrize(
    ("step", "declared", "actual"),
    [(60_000, "1h", "1m"), (HOUR, "1m", "1h"), (4 * HOUR, "1h", "4h"), (1234, "1h", "of no known")],
)
def test_a_wrong_timeframe_is_named(bars, step, declared, actual):
    candles = bars(timeframe=declared, time=START + step * np.arange(8))
    report = checks.inspect(candles)
    assert report.counts["wrong timeframe"] == 7
    with pytest.raises(DataError, match=f"does not fit {declared}: most steps are {actual}"):
        checks.require(report, "here")


def test_one_bar_off_the_grid_marks_both_its_steps(bars):
    time = np.array(bars().time)
    time[3] += 60_000
    assert found(checks.inspect(bars(time=time))) == {"wrong timeframe": 2}


def test_sniffed_timeframes(bars, real):
    assert checks.sniff(bars().time) == "1h"
    assert checks.sniff(bars(1).time) is None
    assert checks.sniff(real.time) == "1h"


def test_the_real_outage_is_counted(real):
    report = checks.inspect(real)
    assert report.counts["gaps"] == 1
    assert report.place(row_of(report, "gaps")).endswith("(2023-03-24T14:00:00Z)")


@settings(max_examples=200, deadline=None)
@given(kept=st.lists(st.booleans(), min_size=2, max_size=60))
def test_gaps_are_the_bars_left_out(bars, kept):
    rows = np.flatnonzero(kept)
    if len(rows) == 0:
        return
    candles = bars(len(rows), time=START + HOUR * rows)
    assert checks.inspect(candles).counts["gaps"] == rows[-1] - rows[0] + 1 - len(rows)


@settings(max_examples=500, deadline=None)
@given(
    row=st.integers(0, 49),
    name=st.sampled_from(COLUMNS),
    value=st.sampled_from([np.nan, np.inf, -np.inf]),
)
def test_nothing_infinite_passes(bars, row, name, value):
    report = checks.inspect(changed(bars, name, row, value, 50))
    assert report.counts["non-finite"] == 1
    with pytest.raises(DataError, match=f"row {row}, "):
        checks.require(report, "here")


@settings(max_examples=300, deadline=None)
@given(order=st.permutations(range(12)))
def test_only_the_one_order_passes(bars, order):
    report = checks.inspect(bars(12, time=START + HOUR * np.array(order)))
    assert (report.counts["order"] == 0) == (order == sorted(order))
    assert report.counts["duplicates"] == report.counts["gaps"] == 0
