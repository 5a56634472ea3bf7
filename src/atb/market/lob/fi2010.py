"""FI-2010: five Finnish stocks as a text matrix of 149 rows, a column for every tenth event.

Ntakaris, Magris, Kanniainen, Gabbouj and Iosifidis 2018, Journal of Forecasting 37, "Benchmark
dataset for mid-price forecasting of limit order book data with machine learning methods". Rows 1
to 40 are ten levels of ask price, ask size, bid price, bid size; rows 41 to 144 are features made
by hand, which are left out; rows 145 to 149 are labels. It has no times: a column counts as one
second after 1970, so that rows keep their order and nothing else. Nor does it say where one stock
or day ends and the next begins: all is one session.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from atb.clock import NS_PER_SECOND
from atb.errors import DataError
from atb.market import reading
from atb.market.lob.book import EXACT, SIDES, Book, Float64
from atb.market.lob.ticks import tick_of

HORIZONS = (10, 20, 30, 50, 100)  # events
ROWS = 149
LEVELS = 10
_BOOK_ROWS = range(LEVELS * len(SIDES))
_LABEL_ROWS = range(ROWS - len(HORIZONS), ROWS)
_LONGEST = 64 * 2**20  # bytes of a line, some 4,000,000 columns
_NAMED = {
    "decimal": re.compile(r"dec_?(pre|imal)", re.IGNORECASE),
    "zscore": re.compile(r"z_?score", re.IGNORECASE),
    "minmax": re.compile(r"min_?max", re.IGNORECASE),
}


def read(path: Path, symbol: str | None = None) -> Book:
    """The book of one matrix, unchecked: N columns become N rows of ten levels.

    The variant is told by the file's name, or else by its values, and named in `source`: `fi2010
    decimal`, `fi2010 zscore` or `fi2010 minmax`. Decimal prices are counted in the tick that
    `ticks.tick_of` tells from them. Where they follow none that float32 can count, and in the
    other two variants, the tick is None and prices and sizes stay as they came.

    Args:
        path: the text file, or a folder with one such file.
        symbol: what to call the market; the five stocks are one by default, `FI2010`.

    Raises:
        DataError: naming the file and the row that is to blame.
    """
    with reading.blaming(str(path)):
        file = _file(path)
        levels = np.stack(list(_rows(file, _BOOK_ROWS)), axis=1)
    variant = _variant(file, levels)
    tick = _tick(levels) if variant == "decimal" else None
    if tick is not None:
        levels[:, ::2] = np.rint(levels[:, ::2] / tick)
    rows = len(levels)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, for the checks
        return Book(
            symbol or "FI2010",
            np.arange(rows, dtype=np.int64) * NS_PER_SECOND,
            levels.astype(np.float32),
            np.zeros(rows, np.float32),
            np.zeros(rows, np.int32),
            tick,
            source=f"fi2010 {variant}",
        )


def labels(path: Path) -> npt.NDArray[np.int64]:
    """`[N, 5]` int64 published labels at `HORIZONS`: 0 down, 1 stationary, 2 up.

    The file's own codes are 1 up, 2 stationary, 3 down.

    Raises:
        DataError: as `read` does, and for a label that is none of the three.
    """
    with reading.blaming(str(path)):
        codes = np.stack(list(_rows(_file(path), _LABEL_ROWS)), axis=1)
        wrong = ~np.isin(codes, (1, 2, 3))
        if wrong.any():
            column, row = (int(place[0]) for place in np.nonzero(wrong))
            raise DataError(
                f"row {_LABEL_ROWS[row] + 1}, column {column + 1}: the label is "
                f"{codes[column, row]:g}",
                remedy="labels are 1 (up), 2 (stationary) and 3 (down)",
            )
    return 3 - codes.astype(np.int64)


def _file(path: Path) -> Path:
    """The one matrix that the path stands for."""
    if reading.is_folder(path):
        found = sorted(path.glob("*.txt"))
        if len(found) != 1:
            names = ", ".join(file.name for file in found[:3]) or "none"
            raise DataError(
                f"the folder holds {len(found)} text files ({names})", remedy="give one of them"
            )
        return found[0]
    reading.require_file(path)
    return path


def _rows(path: Path, wanted: range) -> Iterator[Float64]:
    """`[N]` float64 of each wanted row of a whole matrix, a row in memory at a time."""
    columns = rows = 0
    with path.open("rb") as stream:
        while line := stream.readline(_LONGEST):
            if line.isspace():
                continue
            if len(line) == _LONGEST:
                raise DataError(f"row {rows + 1} is longer than {_LONGEST:,} bytes", remedy=_SHAPE)
            values = _numbers(line, rows + 1) if rows in wanted else None
            width = len(line.split()) if values is None else len(values)
            columns = columns or width
            if width != columns:
                raise DataError(
                    f"row {rows + 1} has {width:,} columns, those before it {columns:,}",
                    remedy="it may be truncated; download it again",
                )
            rows += 1
            if values is not None:
                yield values
    if rows != ROWS:
        raise DataError(f"it has {rows:,} rows of {columns:,} columns", remedy=_SHAPE)


_SHAPE = f"an FI-2010 matrix has {ROWS} rows, and a column for each moment"


def _numbers(line: bytes, row: int) -> Float64:
    try:
        with warnings.catch_warnings():  # numpy only warns when it stops at a word
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(line.decode("ascii"), np.float64, sep=" ")
    except (ValueError, DeprecationWarning) as error:
        column, word = _first_word(line)
        raise DataError(
            f"row {row}, column {column}: {word[:40]!r} is no number",
            remedy="give the matrix as it was published, numbers with blanks between them",
        ) from error


def _first_word(line: bytes) -> tuple[int, str]:
    """Place from 1 and text of the first cell that is no number."""
    cells = line.decode("ascii", errors="backslashreplace").split()
    for column, cell in enumerate(cells, 1):
        try:
            float(cell)
        except ValueError:
            return column, cell
    return len(cells), cells[-1]


def _variant(path: Path, levels: Float64) -> str:
    """How prices were normalised, by name, or else by what only quoted prices are: in order."""
    for name, pattern in _NAMED.items():
        if pattern.search(path.name):
            return name
    if (levels < 0).any():
        return "zscore"
    asks, bids = levels[:, ::4], levels[:, 2::4]
    apart = (asks[:, 0] > bids[:, 0]).all() and (bids > 0).all()
    ordered = (np.diff(asks, axis=1) > 0).all() and (np.diff(bids, axis=1) < 0).all()
    return "decimal" if apart and ordered else "minmax"


def _tick(levels: Float64) -> float | None:
    """The step of the prices, if float32 can count all of them in it."""
    prices = levels[:, ::2]
    tick = tick_of([prices])
    return tick if tick is not None and np.nanmax(np.abs(prices)) < tick * EXACT else None
