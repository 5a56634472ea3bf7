"""LOBSTER's two text files as columns of numbers, line beside line, in bounded memory.

It knows how many columns there are and what type each has, and says of each damage which line it
is in; what the numbers mean is for `lobster.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from atb.errors import DataError
from atb.market.lob.book import SIDES, Float64, Int32, Int64
from atb.market.lob.pairs import Member, Pair, unzipping

# The price of a level that is not there; as a whole number of cents it has no say in the tick.
ABSENT = -2_000_000_000

_MESSAGE = ("time", "type", "order_id", "size", "price", "direction")
_DUMMIES = ("9999999999", "-9999999999")
_LEVEL_BYTES, _MESSAGE_BYTES, _MOST_BYTES = 2**17, 2**19, 2**22  # some 5,000 lines
_LINE_BYTES = 2**16
_WRONG_CELL = re.compile(r"In CSV column #(\d+): Row #(\d+): .*invalid value '(.*)'", re.DOTALL)
_WRONG_WIDTH = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")
_WHOLE = re.compile(r" *[-+]?\d+ *")


@dataclass(frozen=True)
class Lines:
    """n lines of both files, the first of them being line `first`, counted from 1.

    Attributes:
        first: see above.
        seconds: `[n]` float64 after midnight.
        kind: `[n]` int32 type of the event.
        size: `[n]` int64.
        price: `[n]` int64 as written.
        direction: `[n]` int32.
        levels: `[n, 4 * L]` int32 in the order of `SIDES`, prices as written, or `ABSENT`.
    """

    first: int
    seconds: Float64
    kind: Int32
    size: Int64
    price: Int64
    direction: Int32
    levels: Int32


def lines(pair: Pair) -> Iterator[Lines]:
    """The lines of both files of a pair, some thousands at a time.

    Raises:
        DataError: naming the file, and the line where one is to blame.
    """
    first = 1
    for events, states in _abreast(pair, _events(pair), _states(pair)):
        seconds, kind, size, price, direction = (column.to_numpy() for column in events.columns)
        yield Lines(first, seconds, kind, size, price, direction, _levels(states))
        first += events.num_rows


def _events(pair: Pair) -> Iterator[Any]:
    """Record batches of the message file without its order ids."""
    import pyarrow as pa

    width = _width(pair.message)
    if width not in (len(_MESSAGE), len(_MESSAGE) + 1):
        raise _unexpected_width(pair.message, width, f"{len(_MESSAGE)} or {len(_MESSAGE) + 1}")
    types = dict.fromkeys(_MESSAGE, pa.int64()) | {
        "time": pa.float64(),
        "type": pa.int32(),
        "direction": pa.int32(),
    }
    del types["order_id"]
    return _batches(pair.message, [*_MESSAGE, "extra"][:width], types, _MESSAGE_BYTES)


def _states(pair: Pair) -> Iterator[Any]:
    """Record batches of the orderbook file; a price that is a dummy is null."""
    import pyarrow as pa

    width = _width(pair.book)
    if width != pair.depth * len(SIDES):
        raise _unexpected_width(pair.book, width, f"{pair.depth * len(SIDES)} by its name")
    names = [f"{side}_{level}" for level in range(1, pair.depth + 1) for side in SIDES]
    block = min(pair.depth * _LEVEL_BYTES, _MOST_BYTES)
    return _batches(pair.book, names, dict.fromkeys(names, pa.int32()), block, _DUMMIES)


def _width(member: Member) -> int:
    """Number of columns in the first line."""
    with unzipping(member.where), member.open() as stream:
        line = stream.readline(_LINE_BYTES)
    if not line.strip():
        raise DataError("it is empty", where=member.where, remedy="download it again")
    return line.count(b",") + 1


def _unexpected_width(member: Member, width: int, expected: str) -> DataError:
    return DataError(
        f"line 1 has {width} columns; expected are {expected}",
        where=member.where,
        remedy="see that the file is what its name says",
    )


def _batches(
    member: Member,
    names: Sequence[str],
    types: dict[str, Any],
    block: int,
    nulls: Sequence[str] = (),
) -> Iterator[Any]:
    """Record batches of `block` bytes of text, of the columns that have a type."""
    import pyarrow as pa
    from pyarrow import csv

    with unzipping(member.where), member.open() as stream:
        lines = 0
        for text in _blocks(stream, block):
            try:
                table = csv.read_csv(
                    pa.BufferReader(text),
                    csv.ReadOptions(use_threads=False, column_names=list(names)),
                    csv.ParseOptions(quote_char=False),
                    csv.ConvertOptions(
                        column_types=types, include_columns=list(types), null_values=list(nulls)
                    ),
                )
            except pa.ArrowException as error:
                raise _blame(str(error), member, names, lines) from error
            yield from table.to_batches()
            lines += table.num_rows


def _blocks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    """Whole lines of some `size` bytes together; blank ones alone are left out.

    Arrow is given bytes, never the stream: it would read ahead in a thread of its own, which still
    calls Python when an error in the first lines has long ended the process.
    """
    while text := stream.read(size):
        text += stream.readline(_LINE_BYTES)
        if text.strip():
            yield text


def _blame(message: str, member: Member, names: Sequence[str], before: int) -> DataError:
    """What Arrow says of a block, `before` lines of the file being above it."""
    cell, width = _WRONG_CELL.search(message), _WRONG_WIDTH.search(message)
    if cell:
        column, line, text = cell.groups()
        name = names[int(column)]
        expected = "number" if name == "time" else "whole number"
        problem = "is too large" if _WHOLE.fullmatch(text) else f"is no {expected}"
        return DataError(
            f"{name} is {text[:40]!r}, which {problem}",
            where=f"{member.where}, line {before + int(line)}",
            remedy="correct the line in both files, or remove it from both",
        )
    if width:
        line, expected, got = width.groups()
        return DataError(
            f"it has {got} columns, the lines before it {expected}",
            where=f"{member.where}, line {before + int(line)}",
            remedy="it may be truncated; download it again",
        )
    return DataError(
        f"it cannot be read as CSV ({message.splitlines()[0][:160]})",
        where=member.where,
        remedy="download it again",
    )


def _abreast(pair: Pair, left: Iterator[Any], right: Iterator[Any]) -> Iterator[tuple[Any, Any]]:
    """Batches of two streams cut to the same lines."""
    count, a, b = 0, next(left, None), next(right, None)
    while a is not None and b is not None:
        rows = min(a.num_rows, b.num_rows)
        if rows:
            yield a.slice(0, rows), b.slice(0, rows)
        count += rows
        a = a.slice(rows) if rows < a.num_rows else next(left, None)
        b = b.slice(rows) if rows < b.num_rows else next(right, None)
    if a is not None or b is not None:
        longer, shorter = (pair.message, pair.book) if b is None else (pair.book, pair.message)
        raise DataError(
            f"it ends after {count:,} lines, and {longer.name} does not",
            where=shorter.where,
            remedy="both must have a line for each event; download them again",
        )


def _levels(states: Any) -> Int32:
    """`[n, 4 * L]` of the columns of a batch."""
    levels = np.empty((states.num_rows, states.num_columns), np.int32)
    for index, column in enumerate(states.columns):
        levels[:, index] = (column.fill_null(ABSENT) if column.null_count else column).to_numpy()
    return levels
