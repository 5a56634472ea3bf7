from __future__ import annotations

import numpy as np
import pytest

from atb.clock import DAY_MS, parse_time
from atb.market.bonds.bonds import COLUMNS, LONGEST, Bonds, missing_before
from atb.market.bonds.build import build


def days(*names):
    return np.array([parse_time(name) for name in names])


@pytest.fixture
def four(curves):
    tenors = ("3M", "6M", "1Y", "2Y", "10Y")
    return build(curves(4.0, 4.1, 4.0, 3.9, tenors=tenors), "UST2Y")


def test_weekends_and_lone_holidays_are_no_gap():
    time = days("2024-01-05", "2024-01-08", "2024-01-10", "2024-01-15", "2024-01-30")
    #           Friday        Monday        no Tuesday    no Thursday and Friday, then no 10 days
    assert missing_before(time).tolist() == [0, 0, 0, 1, 9]


def test_nothing_reaches_across_two_weeks_whatever_gap_is_allowed(four):
    time = days("2024-01-05", "2024-01-10", "2024-01-11", "2024-03-01")
    bonds = Bonds("UST2Y", time, four.values)
    assert bonds.segments().tolist() == [0, 1, 1, 2]
    assert bonds.segments(1).tolist() == bonds.segments(10_000).tolist() == [0, 0, 0, 1]
    assert bonds.breaks == 1 + missing_before(time)[-1] > LONGEST


def test_a_day_is_used_from_the_next_midnight_on(four):
    assert (four.close_time - four.time == DAY_MS).all()
    assert four.facts() == {"timeframe": "1d", "coupon": None}


def test_rows_and_matrix_are_of_the_same_columns(four):
    assert four.matrix().dtype == np.float32
    assert four.matrix().shape == (4, len(COLUMNS)) == (4, len(four.columns))
    part = four.rows(1, 3)
    assert part.matrix().tolist() == four.matrix()[1:3].tolist()
    assert part.time.tolist() == four.time[1:3].tolist()


def test_the_hash_is_of_days_values_and_kind_alone(four):
    def changed(**fields):
        return Bonds(**{**vars(four), **fields}).sha256()

    assert changed(source="elsewhere") == four.sha256()
    for fields in ({"symbol": "UST3Y"}, {"coupon": 4.0}, {"time": four.time + DAY_MS}):
        assert changed(**fields) != four.sha256()
    assert changed(values=np.nextafter(four.values, 1e9)) != four.sha256()


def test_they_are_immutable_and_whole(four):
    with pytest.raises(ValueError, match="read-only"):
        four.values[0, 0] = 1
    with pytest.raises(ValueError, match=r"\(4, 9\) are not 3 days"):
        Bonds("UST2Y", four.time[:3], four.values)


def test_a_traded_day_opens_where_the_one_before_closed(four):
    bars = four.bars()
    assert bars.open.tolist() == [100, *four.price[:-1]]
    assert bars.close.tolist() == four.price.tolist()
    assert (bars.low <= np.minimum(bars.open, bars.close)).all()
    assert (bars.high == np.maximum(bars.open, bars.close)).all()
    assert (bars.symbol, bars.timeframe) == ("UST2Y", "1d")
