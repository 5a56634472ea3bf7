"""Order books stored as one row of levels per moment, in Parquet or CSV.

The columns are `timestamp` (or `time`, `time_ns`), for each level `ask_price_1`, `ask_size_1`,
`bid_price_1`, `bid_size_1` and so on from the best, and optionally `traded` (above zero when the
buyer took it) and `session`, in any order. It judges neither order nor prices: what it returns is
what the file says, counted in ticks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from atb.errors import DataError
from atb.market import delimited, reading, table
from atb.market.lob.book import SIDES, Book, Float32, Float64, Int32
from atb.market.lob.ticks import MAX_DECIMALS, tick_of

TIME_NAMES = ("timestamp", "time", "time_ns")
_LEVEL = re.compile(r"(ask|bid)_(price|size)_[1-9]\d{0,3}")


def read(path: Path, symbol: str | None = None) -> Book:
    """The book as the file has it: unchecked, in the file's order.

    A level is absent where its price and its size are missing or 0. Prices are counted in the
    tick that `ticks.tick_of` tells from them.

    Args:
        path: a file that ends in parquet or csv.
        symbol: the market; by default what the file's name begins with, up to the first `_`.

    Raises:
        DataError: naming the file and the column or row that is to blame.
    """
    with reading.blaming(str(path)):
        found, _ = reading.arrow_table(path, _READERS)
        if found.num_rows == 0:
            raise DataError("there are no rows", remedy="give a file with a book in it")
        return _book(found, symbol or path.stem.split("_")[0].upper())


def columns(names: Sequence[str]) -> dict[str, str]:
    """By its usual name the file's own name of each column of a book that is among `names`.

    The first is `time`, then the levels in the order of `Book.levels`, then what is optional.

    Raises:
        DataError: when one is missing or stands twice, or a level is left out.
    """
    plain = [name.strip(" \"'\ufeff").lower() for name in names]
    known = [name for name in plain if name in (*TIME_NAMES, "traded", "session")]
    levels = [name for name in plain if _LEVEL.fullmatch(name)]
    own = dict(zip(plain, names, strict=True))
    for name in (*known, *levels):
        if plain.count(name) > 1:
            raise DataError(f"there is more than one column {name}", remedy="keep one of them")
    times = [name for name in known if name in TIME_NAMES]
    if len(times) != 1:
        shown = ", ".join(repr(name[:30]) for name in names[:8]) or "none"
        raise DataError(
            f"there is no single column of times among {shown}",
            remedy=f"name one of them {' or '.join(TIME_NAMES)}",
        )
    rest = [name for name in known if name not in TIME_NAMES]
    return {"time": own[times[0]], **{name: own[name] for name in (*_complete(levels), *rest)}}


def _complete(levels: list[str]) -> list[str]:
    """All columns from the best level to the deepest, which must all be there."""
    deepest = max(levels, key=_number, default="ask_price_1")
    wanted = [f"{side}_{level}" for level in range(1, _number(deepest) + 1) for side in SIDES]
    missing = [name for name in wanted if name not in levels]
    if missing:
        raise DataError(
            f"there is no column {missing[0]}" + (f", but {deepest}" if levels else ""),
            remedy="give ask_price_1, ask_size_1, bid_price_1, bid_size_1 and so on to the "
            "deepest level, none left out",
        )
    return wanted


def _number(column: str) -> int:
    return int(column.rpartition("_")[2])


def _book(found: Any, symbol: str) -> Book:
    own = columns(found.column_names)
    rows = found.num_rows
    levels = [name for name in own if _LEVEL.fullmatch(name)]
    values = {name: _values(found, own[name]) for name in levels}
    tick = _tick(found, own, values)
    return Book(
        symbol,
        table.nanoseconds(table.flat(found.column(own["time"]))),
        _in_ticks(values, tick),
        _narrow(_values(found, own["traded"])) if "traded" in own else np.zeros(rows, np.float32),
        _sessions(found, own["session"]) if "session" in own else np.zeros(rows, np.int32),
        tick,
        source="snapshots",
    )


def _values(found: Any, name: str) -> Float64:
    """`[N]` float64, NaN where a cell is empty."""
    return table.numbers(table.flat(found.column(name)), name)


def _tick(found: Any, own: dict[str, str], values: dict[str, Float64]) -> float:
    """The step of all prices that stand at a level."""
    names = [name for name in values if "price" in name]
    coarse = any(str(found.schema.field(own[name]).type) == "float" for name in names)
    there = [values[name] for name in names]
    tick = tick_of(there, 2.0**-24 if coarse else 0.0)
    if tick is None:
        raise DataError(
            f"its prices, as {_example(there)}, are no multiples of one step of "
            f"{MAX_DECIMALS} decimals at most",
            remedy="write prices as the exchange quotes them, not averages or logarithms",
        )
    return tick


def _example(prices: list[Float64]) -> str:
    finite = np.concatenate([part[np.isfinite(part)][:1] for part in prices])
    return str(finite[0]) if len(finite) else "NaN"


def _in_ticks(values: dict[str, Float64], tick: float) -> Float32:
    """`[N, 4 * L]` float32 prices in ticks and sizes; a level that is absent is NaN and 0."""
    levels = np.empty((len(values["ask_price_1"]), len(values)), np.float32)
    for column, name in enumerate(values):
        if "size" in name:
            size, price = values[name], values[name.replace("size", "price")]
            absent = (np.isnan(price) | (price == 0)) & (np.isnan(size) | (size == 0))
            levels[:, column - 1] = np.where(absent, np.nan, np.rint(price / tick))
            levels[:, column] = _narrow(np.where(absent, 0, size))
    return levels


def _narrow(values: Float64) -> Float32:
    """Float32; what is too large becomes infinite, which the checks refuse."""
    with np.errstate(over="ignore"):
        return values.astype(np.float32)


def _sessions(found: Any, name: str) -> Int32:
    numbers = _values(found, name)
    wrong = ~(np.abs(numbers) < 2**31) | (numbers != np.rint(numbers))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            f"row {row}, counted from 0: session is {numbers[row]}",
            remedy="number the sessions 0, 1, 2 and so on",
        )
    return numbers.astype(np.int32)


_READERS: reading.Readers = {
    ".parquet": ("Parquet", reading.parquet_of(columns)),
    ".csv": ("CSV", delimited.reader(columns)),
}
