"""Candles in CSV, zipped CSV, Parquet and Feather files.

It knows formats and says of each damage what it is; names and times are read by `table.py`, and
whether the candles are any good is for `checks.py`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from atb.errors import DataError
from atb.market import archive, delimited, reading, table
from atb.market.candles import COLUMNS, Candles

_MAX_ZIP_BYTES = 256 * 2**20
_KLINE_COLUMNS = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume"),
    *("trades", "taker_buy_volume", "taker_buy_quote_volume", "ignored"),
)


def read(path: Path, symbol: str, timeframe: str) -> Candles:
    """Candles as the file has them: unchecked, in the file's order.

    The format is told by the ending: csv, zip (one CSV in it), parquet, feather. The file's own
    mark of origin is kept, so that synthetic candles stay synthetic.

    Raises:
        DataError: naming the file, and the row where one is to blame.
    """
    with reading.blaming(str(path)):
        found, origin = reading.arrow_table(path, _READERS)
        values = table.columns(found)
    return Candles.from_columns(
        symbol,
        timeframe,
        values,
        source=origin.get(b"atb.source", f"file {path.name}".encode()).decode(errors="replace"),
        synthetic=origin.get(b"atb.synthetic") == b"true",
    )


def read_zip(content: bytes, where: str, symbol: str, timeframe: str) -> Candles:
    """Candles of a zipped CSV in memory; `where` names it in errors.

    Raises:
        DataError: as `read` does.
    """
    with reading.blaming(where):
        values = table.columns(_csv(io.BytesIO(archive.member(content))))
    return Candles.from_columns(symbol, timeframe, values)


def write(candles: Candles, path: Path) -> None:
    """Write Parquet atomically, marked with symbol, timeframe, source and whether synthetic.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow as pa

    columns = {"time": pa.array(candles.time, pa.timestamp("ms", tz="UTC"))}
    columns |= {name: pa.array(getattr(candles, name)) for name in COLUMNS}
    origin = {
        "atb.symbol": candles.symbol,
        "atb.timeframe": candles.timeframe,
        "atb.source": candles.source,
        "atb.synthetic": str(candles.synthetic).lower(),
    }
    reading.write_parquet(path, columns, origin)


def _feather(path: Path) -> Any:
    from pyarrow import feather

    return feather.read_table(path, memory_map=False)


def _csv_file(path: Path) -> Any:
    with path.open("rb") as stream:
        return _csv(stream)


def _zip_file(path: Path) -> Any:
    if path.stat().st_size > _MAX_ZIP_BYTES:
        raise DataError(f"it is larger than {_MAX_ZIP_BYTES:,} bytes", remedy="unzip it first")
    return _csv(io.BytesIO(archive.member(path.read_bytes())))


def _csv(stream: BinaryIO) -> Any:
    """The Arrow table of a CSV, every column as text."""
    names, delimiter = delimited.header(stream)
    headless = all(delimited.is_number(name) for name in names)
    if headless and len(names) != len(_KLINE_COLUMNS):
        raise DataError(
            f"its first line names no columns: {delimiter.join(names)[:60]!r}",
            remedy="add the line timestamp,open,high,low,close,volume",
        )
    if headless:
        names = list(_KLINE_COLUMNS)
    table.locate(names)
    return delimited.text(stream, names, delimiter, headless=headless)


_READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    ".csv": ("CSV", _csv_file),
    ".zip": ("zipped CSV", _zip_file),
    ".parquet": ("Parquet", reading.parquet_of(table.locate)),
    ".feather": ("Feather", _feather),
}
ENDINGS = frozenset(_READERS)  # of files that can be read
