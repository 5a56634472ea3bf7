"""Candles in CSV, zipped CSV, Parquet and Feather files.

It knows formats and says of each damage what it is; names and times are read by `table.py`, and
whether the candles are any good is for `checks.py`.
"""

from __future__ import annotations

import io
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from atb import atomic
from atb.errors import DataError
from atb.market import archive, table
from atb.market.candles import COLUMNS, Candles

MAX_ROWS = 50_000_000
_HEAD_BYTES = 65_536
_MAX_ZIP_BYTES = 256 * 2**20
_KLINE_COLUMNS = (
    *("open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume"),
    *("trades", "taker_buy_volume", "taker_buy_quote_volume", "ignored"),
)
_WIDTH = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


def read(path: Path, symbol: str, timeframe: str) -> Candles:
    """Candles as the file has them: unchecked, in the file's order.

    The format is told by the ending: csv, zip (one CSV in it), parquet, feather. The file's own
    mark of origin is kept, so that synthetic candles stay synthetic.

    Raises:
        DataError: naming the file, and the row where one is to blame.
    """
    with _blaming(str(path)):
        _require_file(path)
        found, origin = _table(path)
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
    with _blaming(where):
        values = table.columns(_csv(io.BytesIO(archive.member(content))))
    return Candles.from_columns(symbol, timeframe, values)


def write(candles: Candles, path: Path) -> None:
    """Write Parquet atomically, marked with symbol, timeframe, source and whether synthetic.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"time": pa.array(candles.time, pa.timestamp("ms", tz="UTC"))}
    columns |= {name: pa.array(getattr(candles, name)) for name in COLUMNS}
    origin = {
        "atb.symbol": candles.symbol,
        "atb.timeframe": candles.timeframe,
        "atb.source": candles.source,
        "atb.synthetic": str(candles.synthetic).lower(),
    }
    with atomic.file(path) as temporary:
        pq.write_table(pa.table(columns, metadata=origin), temporary, compression="zstd")


@contextmanager
def _blaming(where: str) -> Iterator[None]:
    """Add the file's name to errors that know only what is wrong in it."""
    try:
        yield
    except DataError as error:
        raise DataError(error.what, where=where, remedy=error.remedy) from error


def _require_file(path: Path) -> None:
    """Refuse what is no plain file before opening it: opening a pipe would wait for ever."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"it cannot be opened ({reason})", remedy="check the path") from error
    if stat.S_ISDIR(status.st_mode):
        raise DataError("it is a folder", remedy="give the path of one file")
    if not stat.S_ISREG(status.st_mode):
        raise DataError("it is no plain file", remedy="give a CSV, Parquet or Feather file")
    if status.st_size == 0:
        raise DataError("it is empty", remedy="give a file with candles in it")


def _table(path: Path) -> tuple[Any, dict[bytes, bytes]]:
    """The Arrow table in a file and its metadata."""
    import pyarrow as pa

    ending = path.suffix.lower()
    if ending not in _READERS:
        raise DataError(
            f"its ending is {ending or 'missing'}", remedy=f"known: {', '.join(_READERS)}"
        )
    kind, reader = _READERS[ending]
    try:
        found = reader(path)
        found.validate(full=True)
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        reason = (str(error).splitlines() or ["damaged"])[0][:160]
        raise DataError(
            f"it cannot be read as {kind} ({reason})",
            remedy="it may be truncated or of another format; write or download it again",
        ) from error
    return found, dict(found.schema.metadata or {})


def _parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise DataError(
                f"it says it has {file.metadata.num_rows:,} rows", remedy=f"{MAX_ROWS:,} at most"
            )
        return file.read(columns=list(table.locate(file.schema_arrow.names).values()))


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
    import pyarrow as pa
    from pyarrow import csv

    header = _first_line(stream.read(_HEAD_BYTES))
    stream.seek(0)
    delimiter = max(",;\t|", key=header.count)
    names = [name.strip(" \"'") for name in header.split(delimiter)]
    headless = all(_is_number(name) for name in names)
    if headless and len(names) != len(_KLINE_COLUMNS):
        raise DataError(
            f"its first line names no columns: {header[:60]!r}",
            remedy="add the line timestamp,open,high,low,close,volume",
        )
    if headless:
        names = list(_KLINE_COLUMNS)
    table.locate(names)
    try:
        return csv.read_csv(
            stream,
            # One thread, so that errors know their row.
            csv.ReadOptions(use_threads=False, column_names=names if headless else None),
            csv.ParseOptions(delimiter=delimiter),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
            ),
        )
    except pa.ArrowException as error:
        raise _csv_error(str(error)) from error


def _first_line(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("it is text in UTF-16", remedy="save it as UTF-8")
    if b"\0" in head:
        raise DataError("it is binary, not CSV", remedy="give a text file, or correct its ending")
    line = head.lstrip(b"\r\n").split(b"\n", 1)[0]
    if len(line) == _HEAD_BYTES:
        raise DataError(
            f"its first line is longer than {_HEAD_BYTES:,} bytes", remedy="give a CSV of candles"
        )
    try:
        return line.decode("utf-8-sig").strip("\r")
    except UnicodeDecodeError as error:
        raise DataError(
            f"it is no UTF-8 text ({error.reason})", remedy="save it as UTF-8"
        ) from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _csv_error(message: str) -> DataError:
    width = _WIDTH.search(message)
    if width:
        line, expected, got = width.groups()
        return DataError(
            f"line {line} has {got} columns, the header {expected}",
            remedy="complete or remove that line; write decimals with a point",
        )
    reason = message.splitlines()[0][:160]
    return DataError(f"it cannot be read as CSV ({reason})", remedy="write or download it again")


_READERS: dict[str, tuple[str, Callable[[Path], Any]]] = {
    ".csv": ("CSV", _csv_file),
    ".zip": ("zipped CSV", _zip_file),
    ".parquet": ("Parquet", _parquet),
    ".feather": ("Feather", _feather),
}
