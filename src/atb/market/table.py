"""A table with the usual column names and time formats, turned into the columns of candles.

It knows Arrow tables and nothing of files, and it judges neither order nor prices: what it returns
is what the table says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.clock import (
    EARLIEST_MS,
    LATEST_MS,
    NS_PER_MS,
    NS_PER_SECOND,
    epoch_to_ns,
    iso,
    parse_time,
)
from atb.errors import DataError, UsageError
from atb.market.candles import COLUMNS, Float64, Int64

# In order of trust: a table that has several uses the first.
TIME_NAMES = (
    *("timestamp", "datetime", "open_time", "opentime", "time", "date", "unix", "epoch", "ts", "t"),
    *("index", "__index_level_0__", "unnamed:_0", ""),
)
VALUE_NAMES = {
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
}
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


def locate(names: Iterable[str]) -> dict[str, str]:
    """Which column of a table holds `time` and each of the five values, by its own name.

    Raises:
        DataError: when one is missing or two could be meant.
    """
    own = list(names)
    plain = [_plain(name) for name in own]
    found = {}
    for role, known in VALUE_NAMES.items():
        places = [i for i, name in enumerate(plain) if name in known]
        if len(places) != 1:
            raise _not_one(role, [own[i] for i in places], own)
        found[role] = own[places[0]]
    times = [name for name in TIME_NAMES if name in plain]
    if not times or plain.count(times[0]) > 1:
        raise _not_one("time", times[:1] * 2, own)
    return {"time": own[plain.index(times[0])], **found}


def columns(table: Any) -> dict[str, npt.NDArray[Any]]:
    """The columns of candles: `time` `[N]` int64 ms UTC, the five values `[N]` float64.

    Integer times may be seconds to nanoseconds, text is ISO 8601; a time without a zone is UTC.
    Missing values become NaN.

    Raises:
        DataError: when a column is missing, a cell is no number, or a time cannot be read.
    """
    places = locate(table.column_names)
    if table.num_rows == 0:
        raise DataError("there are no rows", remedy="give a file with candles in it")
    time = nanoseconds(flat(table.column(places["time"]))) // NS_PER_MS
    values = {name: numbers(flat(table.column(places[name])), name) for name in COLUMNS}
    return {"time": time, **values}


def _plain(name: str) -> str:
    """The name without case, quotes, brackets and the signs people put between words."""
    return re.sub(r"[\s.\-]+", "_", name.strip(" \t\r\"'<>\ufeff").lower())


def _not_one(role: str, candidates: list[str], names: list[str]) -> DataError:
    shown = ", ".join(repr(name[:30]) for name in names[:15]) or "none"
    if candidates:
        return DataError(
            f"more than one {role} column among {shown}", remedy=f"keep one {role} column"
        )
    return DataError(
        f"there is no {role} column among {shown}",
        remedy="name the columns timestamp, open, high, low, close, volume",
    )


def flat(column: Any) -> Any:
    """One contiguous Arrow array, decoded from a dictionary, text without blanks around it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.cast(kind)
    if _is_text(kind):
        column = pc.utf8_trim_whitespace(column.cast(pa.string()))
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return any(
        test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_null)
    )


def numbers(column: Any, name: str) -> Float64:
    """`[N]` float64 of a numeric or text column; missing cells are NaN.

    Raises:
        DataError: naming the first row whose cell is no number.
    """
    import pyarrow as pa

    try:
        return np.asarray(_as_float(column), np.float64)
    except pa.ArrowException as error:
        row = _first_failing(column, _as_float)
        text = str(column[row])[:40]
        comma = "write decimals with a point" if _DECIMAL_COMMA.fullmatch(text) else ""
        raise DataError(
            f"row {row}, counted from 0: {name} is {text!r}, which is no number",
            remedy=comma or "correct or remove that row",
        ) from error


def _as_float(column: Any) -> Any:
    return column.cast("float64", safe=False).to_numpy(zero_copy_only=False)


def _first_failing(column: Any, convert: Callable[[Any], Any]) -> int:
    """Position of the first cell that cannot be converted, by bisection."""
    import pyarrow as pa

    good, bad = 0, len(column)
    while bad - good > 1:
        middle = (good + bad) // 2
        try:
            convert(column.slice(good, middle - good))
            good = middle
        except pa.ArrowException:
            bad = middle
    return good


def nanoseconds(column: Any) -> Int64:
    """`[N]` int64 ns UTC of a column of times in any form.

    Raises:
        DataError: when a time is missing, cannot be read, or lies outside 1980 to 2100.
    """
    import pyarrow as pa

    if column.null_count:
        row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise DataError(
            f"row {row}, counted from 0, has no time", remedy="correct or remove that row"
        )
    kind = column.type
    if pa.types.is_temporal(kind):
        return _from_moments(column)
    if _is_text(kind):
        return _from_text(column)
    return _from_numbers(column)


def _from_moments(column: Any) -> Int64:
    """Times that carry their unit; Arrow holds those with a zone in UTC already."""
    import pyarrow as pa

    try:
        if not pa.types.is_timestamp(column.type):
            column = column.cast("timestamp[ms]")
    except pa.ArrowException as error:
        raise DataError(
            f"the times are of type {column.type}", remedy="store dates with their time of day"
        ) from error
    counts: Int64 = column.cast("int64").to_numpy()
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[column.type.unit]
    low, high = EARLIEST_MS // 1000 * per_second, LATEST_MS // 1000 * per_second
    if counts.min() < low or counts.max() >= high:
        first = int(np.argmax((counts < low) | (counts >= high)))
        raise DataError(
            f"row {first}, counted from 0: time is {column[first]}",
            remedy=f"give times between {iso(EARLIEST_MS)} and {iso(LATEST_MS)}",
        )
    return counts * (NS_PER_SECOND // per_second)


def _from_numbers(column: Any) -> Int64:
    """Integers, or floats to the microsecond, in a unit that is sniffed."""
    import pyarrow as pa

    try:
        if pa.types.is_integer(column.type):
            return epoch_to_ns(column.cast("int64").to_numpy())
        counts = column.cast("float64").to_numpy()
    except pa.ArrowException as error:
        raise DataError(
            f"the times are of type {column.type}", remedy="give timestamps, integers or ISO text"
        ) from error
    if not np.isfinite(counts).all():
        row = int(np.argmin(np.isfinite(counts)))
        raise DataError(
            f"row {row}, counted from 0: time is {counts[row]}", remedy="correct or remove that row"
        )
    # Half a microsecond is what a float64 knows of seconds since 1970.
    whole = np.floor(np.clip(counts, -9e18, 9e18)).astype(np.int64)
    time = epoch_to_ns(whole)
    unit = time[0] // whole[0]
    time += np.rint((counts - whole) * (unit / 1000)).astype(np.int64) * 1000
    return time


def _from_text(column: Any) -> Int64:
    """Numbers or ISO text, whole columns at a time; mixed forms row by row."""
    import pyarrow as pa

    readings: tuple[tuple[Any, Callable[[Any], Int64]], ...] = (
        (pa.int64(), _from_numbers),
        (pa.float64(), _from_numbers),
        (pa.timestamp("ns"), _from_moments),
        (pa.timestamp("ns", tz="UTC"), _from_moments),
    )
    for kind, reading in readings:
        try:
            typed = column.cast(kind)
        except pa.ArrowException:
            continue
        return reading(typed)
    numbers_end = _first_failing(column, _as_float)
    if numbers_end:
        raise _no_time(numbers_end, str(column[numbers_end]))
    moments = [_from_one(row, text) for row, text in enumerate(column.to_pylist())]
    return _from_moments(pa.array(moments, pa.int64()).cast(pa.timestamp("ms")))


def _from_one(row: int, text: str) -> int:
    try:
        return parse_time(text.removesuffix("UTC"))
    except (UsageError, OverflowError):
        raise _no_time(row, text) from None


def _no_time(row: int, text: str) -> DataError:
    return DataError(
        f"row {row}, counted from 0: {text[:40]!r} is no time",
        remedy="write times as 2024-01-31T12:00:00Z, or as integers since 1970",
    )
