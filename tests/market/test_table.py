"""Columns of a table as times to the nanosecond, and as numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from atb.market import table

SECOND = 1_430_438_405  # 2015-05-01T00:00:05Z
NS = SECOND * 10**9 + 885_123_456


@pytest.mark.parametrize(
    ("column", "ns"),
    [
        (pa.array([NS], pa.timestamp("ns")), NS),
        (pa.array([NS // 1000], pa.timestamp("us", "UTC")), NS - 456),
        (pa.array([NS]), NS),
        (pa.array([NS // 10**6]), NS - 123_456),
        (pa.array([SECOND]), SECOND * 10**9),
        (pa.array([NS / 10**9]), NS - 456),
        (pa.array([float(SECOND)]), SECOND * 10**9),
        (pa.array([f"{SECOND}.885123"]), NS - 456),
        (pa.array(["2015-05-01T00:00:05.885123456Z"]), NS),
        (pa.array(["2015-05-01 00:00:05.885123456"]), NS),
        (pa.array(["2015-05-01T02:00:05.885123+02:00"]), NS - 456),
    ],
)
def test_times_keep_what_they_say_below_the_millisecond(column, ns):
    assert table.nanoseconds(table.flat(column)).tolist() == [ns]


def test_a_missing_number_is_nan():
    assert np.isnan(table.numbers(table.flat(pa.array(["1.5", None])), "size")).tolist() == [
        False,
        True,
    ]
