"""Text tables with a header: which columns there are, and each of them as text.

It knows delimiters, encodings and ragged lines, not what columns mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from atb.errors import DataError

_HEAD_BYTES = 65_536
_WIDTH = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


def header(stream: BinaryIO) -> tuple[list[str], str]:
    """Names in the first line, and the delimiter that is commonest in it.

    Raises:
        DataError: when the file is no UTF-8 text or its first line is endless.
    """
    line = _first_line(stream.read(_HEAD_BYTES))
    delimiter = max(",;\t|", key=line.count)
    return [name.strip(" \"'") for name in line.split(delimiter)], delimiter


def reader(locate: Callable[[list[str]], object]) -> Callable[[Path], Any]:
    """What reads a file as text, once `locate` has found the columns it needs among the names."""

    def read(path: Path) -> Any:
        with path.open("rb") as stream:
            names, delimiter = header(stream)
            locate(names)
            return text(stream, names, delimiter)

    return read


def text(stream: BinaryIO, names: Sequence[str], delimiter: str, *, headless: bool = False) -> Any:
    """The Arrow table of the whole stream, every column as text, an empty cell as null.

    Args:
        stream: the file, read anew from its beginning.
        names: the columns, as in the header or, of a file without one, as they shall be called.
        delimiter: what stands between cells.
        headless: whether the first line is data.

    Raises:
        DataError: when a line has more or fewer cells than the header.
    """
    import pyarrow as pa
    from pyarrow import csv

    stream.seek(0)
    try:
        return csv.read_csv(
            stream,
            # One thread, so that errors know their row.
            csv.ReadOptions(use_threads=False, column_names=list(names) if headless else None),
            csv.ParseOptions(delimiter=delimiter),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True
            ),
        )
    except pa.ArrowException as error:
        raise _blame(str(error)) from error


def is_number(cell: str) -> bool:
    """Whether a cell is a number, so that a first line of such names no columns."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _first_line(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError("it is text in UTF-16", remedy="save it as UTF-8")
    if b"\0" in head:
        raise DataError("it is binary, not CSV", remedy="give a text file, or correct its ending")
    line = head.lstrip(b"\r\n").split(b"\n", 1)[0]
    if len(line) == _HEAD_BYTES:
        raise DataError(
            f"its first line is longer than {_HEAD_BYTES:,} bytes",
            remedy="give a CSV with a line for each row",
        )
    try:
        return line.decode("utf-8-sig").strip("\r")
    except UnicodeDecodeError as error:
        raise DataError(
            f"it is no UTF-8 text ({error.reason})", remedy="save it as UTF-8"
        ) from error


def _blame(message: str) -> DataError:
    width = _WIDTH.search(message)
    if width:
        line, expected, got = width.groups()
        return DataError(
            f"line {line} has {got} columns, the header {expected}",
            remedy="complete or remove that line; write decimals with a point",
        )
    reason = message.splitlines()[0][:160]
    return DataError(f"it cannot be read as CSV ({reason})", remedy="write or download it again")
