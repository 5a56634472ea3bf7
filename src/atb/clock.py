"""Times, timeframes and bar closes: the one module that owns time.

All times are UTC, held as int64 milliseconds since 1970 (`ms`). A bar is named by its open time;
its close time, the moment from which it may be used, is the open plus the timeframe.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from atb.errors import DataError, UsageError

Int64 = npt.NDArray[np.int64]

_UNIT_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
TIMEFRAMES = ("1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
HOUR_MS, DAY_MS = _UNIT_MS["h"], _UNIT_MS["d"]
YEAR_MS = int(365.25 * DAY_MS)


def timeframe_ms(timeframe: str) -> int:
    """Length of one bar in milliseconds.

    Raises:
        UsageError: when it is not one of `TIMEFRAMES`.

    >>> timeframe_ms("1h")
    3600000
    """
    if timeframe not in TIMEFRAMES:
        raise UsageError(
            f"unknown timeframe {timeframe!r}", remedy=f"known: {', '.join(TIMEFRAMES)}"
        )
    return int(timeframe[:-1]) * _UNIT_MS[timeframe[-1]]


def parse_time(text: str) -> int:
    """A date or time as a user types it, in ms; without a zone it is UTC.

    Raises:
        UsageError: when the text is no ISO 8601 date or time.

    >>> parse_time("2024-01-01")
    1704067200000
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(
            f"{text!r} is not a date", remedy="write it as 2024-01-31 or 2024-01-31T12:00"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def to_datetime(ms: int) -> datetime:
    """The UTC datetime of a time in ms."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC)


def iso(ms: int) -> str:
    """ISO 8601 text of a time in ms, to the second.

    >>> iso(1704067200000)
    '2024-01-01T00:00:00Z'
    """
    return to_datetime(ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def now_ms() -> int:
    """The present, in ms."""
    return int(datetime.now(tz=UTC).timestamp() * 1000)


def stamp(ms: int) -> str:
    """A time as it stands in folder names, sortable: `20240131T120000Z`."""
    return to_datetime(ms).strftime("%Y%m%dT%H%M%SZ")


EARLIEST_MS = parse_time("1980-01-01")
LATEST_MS = parse_time("2100-01-01")
NS_PER_MS = 1_000_000
NS_PER_SECOND = 1_000_000_000


def epoch_to_ns(values: Int64) -> Int64:
    """Integers since 1970 in seconds, ms, us or ns (sniffed), as ns.

    The four readings of one number are a factor of 1,000 apart, so at most one puts a market time
    between 1980 and 2100.

    Raises:
        DataError: when no unit puts all values in that range, or two units are mixed.
    """
    low, high = int(values.min()), int(values.max())
    for per_second in (1, 10**3, 10**6, 10**9):
        if low * 1000 >= EARLIEST_MS * per_second and high * 1000 < LATEST_MS * per_second:
            return values * (NS_PER_SECOND // per_second)
    raise DataError(
        f"times from {low} to {high} are no seconds, milliseconds, microseconds or nanoseconds "
        "since 1970",
        remedy="use one unit throughout, between the years 1980 and 2100",
    )


def epoch_to_ms(values: Int64) -> Int64:
    """The same as ms, rounded down.

    Raises:
        DataError: as `epoch_to_ns` does.
    """
    return epoch_to_ns(values) // NS_PER_MS
