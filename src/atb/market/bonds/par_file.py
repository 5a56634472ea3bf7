"""Files of par yields as the US Treasury publishes them: a date, then a column per maturity.

It knows formats and what is not published; what yields are good for is for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from atb.clock import DAY_MS, NS_PER_MS, iso
from atb.errors import DataError
from atb.market import delimited, reading, table
from atb.market.bonds.curves import Float64, Int64, ParCurves, years_of

_COLUMN = re.compile(r"(?:bc_?)?(\d{1,2})_?(m|mo|month|y|yr|year)s?")
_DATES = ("date", "record_date", "time", "timestamp", "new_date")
_LOWEST, _HIGHEST = -5.0, 100.0  # percent; beyond it they are no yields
_BILL = 1.0  # years; what is shorter has true yields of zero


def read(path: Path) -> ParCurves:
    """Par curves of a Parquet or CSV file, oldest day first.

    Columns are named as `BC_10YEAR`, `10 Yr` or `10Y`; others are left out. An empty cell is not
    published; nor is 0.0, except that of a bill whose maturity had been published before.

    Raises:
        DataError: naming the file, and the row where one is to blame.
    """
    with reading.blaming(str(path)):
        found, _ = reading.arrow_table(path, _READERS)
        places = _located(found.column_names)
        if not found.num_rows:
            raise DataError("there are no rows", remedy="give a file with yields in it")
        time = _days(table.flat(found.column(places.pop("date"))))
        columns = [table.numbers(table.flat(found.column(name)), name) for name in places.values()]
        order = np.argsort(time, kind="stable")
        years = np.array([years_of(tenor) for tenor in places])
        time, yields = time[order], np.stack(columns, axis=1)[order]
        _require_sound(time, yields)
    return ParCurves(time, years, _only_published(years, yields), f"file {path.name}")


def _located(names: Iterable[str]) -> dict[str, str]:
    """The column of `date`, then of each tenor from the shortest, by its own name."""
    plain = {re.sub(r"[\s.\-]+", "_", name.strip().lower()): name for name in names}
    dates = [name for name in _DATES if name in plain]
    tenors = {
        f"{int(found[1])}{found[2][0].upper()}": name
        for key, name in plain.items()
        if (found := _COLUMN.fullmatch(key))
    }
    if not dates or not tenors:
        shown = ", ".join(repr(name[:30]) for name in list(plain.values())[:15]) or "none"
        raise DataError(
            f"there is no {'column of maturities' if dates else 'date column'} among {shown}",
            remedy="name the columns date, 3M, 2Y, 10Y or as the Treasury does: BC_10YEAR, 10 Yr",
        )
    rising = sorted(tenors, key=years_of)
    return {"date": plain[dates[0]], **{tenor: tenors[tenor] for tenor in rising}}


def _days(column: Any) -> Int64:
    """`[N]` int64 ms UTC, midnight, of dates in any form or as the Treasury writes 12/31/2015."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        read = pc.strptime(column, format="%m/%d/%Y", unit="s", error_is_null=True)
        column = column if read.null_count else read
    return table.nanoseconds(column) // NS_PER_MS // DAY_MS * DAY_MS


def _require_sound(time: Int64, yields: Float64) -> None:
    twice = np.flatnonzero(np.diff(time) == 0)
    if len(twice):
        raise DataError(
            f"{iso(int(time[twice[0]]))[:10]} is there twice", remedy="keep one row for each day"
        )
    wrong = np.argwhere((yields < _LOWEST) | (yields > _HIGHEST) | np.isinf(yields))
    if len(wrong):
        row, column = wrong[0]
        raise DataError(
            f"the yield of {iso(int(time[row]))[:10]} is {yields[row, column]:g} %",
            remedy=f"give percent per year, between {_LOWEST:g} and {_HIGHEST:g}",
        )


def _only_published(years: Float64, yields: Float64) -> Float64:
    """NaN where 0.0 says that nothing was published; by earlier days alone."""
    before = np.logical_or.accumulate(np.nan_to_num(yields) != 0, axis=0)
    true_zero = before & (years < _BILL)
    return np.where((yields == 0) & ~true_zero, np.nan, yields)


_READERS: reading.Readers = {
    ".parquet": ("Parquet", reading.parquet_of(_located)),
    ".csv": ("CSV", delimited.reader(_located)),
}
