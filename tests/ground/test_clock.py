from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb import clock
from atb.errors import DataError, UsageError

T0 = 1_704_067_200_000  # 2024-01-01T00:00:00Z


def test_timeframes() -> None:
    assert clock.timeframe_ms("15m") == 900_000
    with pytest.raises(UsageError, match="unknown timeframe '7m'"):
        clock.timeframe_ms("7m")


@pytest.mark.parametrize(
    "text", ["2024-01-01", "2024-01-01T00:00", "2024-01-01T00:00:00Z", "2024-01-01T05:30+05:30"]
)
def test_dates_are_utc_unless_they_say_otherwise(text: str) -> None:
    assert clock.parse_time(text) == T0


@pytest.mark.parametrize("text", ["", "yesterday", "2024-13-01", "01/02/2024"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        clock.parse_time(text)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_the_zone_of_the_machine_plays_no_part(zone: str) -> None:
    code = "from atb import clock; print(clock.parse_time('2024-03-10T02:30'), clock.iso(0))"
    environment = {**os.environ, "TZ": zone}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert out.stdout == "1710037800000 1970-01-01T00:00:00Z\n"


@settings(deadline=None)
@given(
    ms=st.integers(clock.parse_time("1980-01-02"), clock.parse_time("2099-12-31")),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
)
def test_every_unit_of_an_epoch_is_recognised(ms: int, unit: str) -> None:
    ms -= ms % 1000
    value = ms // 1000 if unit == "s" else ms * {"ms": 1, "us": 10**3, "ns": 10**6}[unit]
    assert clock.epoch_to_ms(np.array([value])).tolist() == [ms]
    assert clock.epoch_to_ns(np.array([value])).tolist() == [ms * 10**6]


@pytest.mark.parametrize("values", [[5], [T0, T0 * 1000], [T0 // 1000, T0]])
def test_mixed_or_meaningless_units_are_refused(values: list[int]) -> None:
    with pytest.raises(DataError, match="since 1970"):
        clock.epoch_to_ms(np.array(values))
