"""Candles are immutable, cut by time, and joined without repeats."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.market.candles import joined

HOUR = 3_600_000
START = 1_704_067_200_000


def test_columns_cannot_be_written(bars):
    with pytest.raises(ValueError, match="read-only"):
        bars().close[0] = 1


def test_columns_are_of_one_length(bars):
    with pytest.raises(ValueError, match=r"close has shape \(3,\)"):
        bars(8, close=[1.0, 2.0, 3.0])


def test_the_matrix_has_the_five_columns_in_order(bars):
    matrix = bars(2).matrix()
    assert matrix.dtype == np.float32
    assert matrix.tolist() == [[100, 102, 99, 101, 10], [101, 103, 100, 102, 11]]


def test_between_takes_the_start_and_leaves_the_end(bars):
    part = bars().between(START + HOUR, START + 3 * HOUR)
    assert part.open.tolist() == [101, 102]
    assert len(bars().between(START + HOUR + 1, None)) == 6
    assert len(bars().between(None, START)) == 0


def test_a_gap_starts_a_new_segment(bars):
    candles = bars(4, time=START + HOUR * np.array([0, 1, 4, 5]))
    assert candles.missing_before().tolist() == [0, 0, 2, 0]
    assert candles.segments().tolist() == [0, 0, 1, 1]
    assert candles.segments(2).tolist() == [0, 0, 0, 0]
    assert candles.close_time.tolist() == (candles.time + HOUR).tolist()


def test_the_hash_tells_values_not_origin(bars):
    assert bars().sha256() == replace(bars(), source="elsewhere").sha256()
    assert bars().sha256() != bars(volume=np.arange(8) + 10.5).sha256()
    assert bars().sha256() != bars(symbol="ETHUSDT").sha256()


def test_of_two_bars_at_one_time_the_first_part_counts(bars):
    newer = bars(3, start=START + 6 * HOUR)
    both = joined([newer, bars()])
    assert both.time.tolist() == (START + HOUR * np.arange(9)).tolist()
    assert both.open.tolist() == [100, 101, 102, 103, 104, 105, 100, 101, 102]


@settings(deadline=None)
@given(cuts=st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=6))
def test_overlapping_parts_join_to_the_rows_they_cover(bars, cuts):
    whole = bars(50)
    covered = sorted({row for start, stop in cuts for row in range(start, min(stop, 50))})
    both = joined([whole.rows(start, stop) for start, stop in cuts])
    assert both.time.tolist() == whole.time[covered].tolist()
    assert both.close.tolist() == whole.close[covered].tolist()
