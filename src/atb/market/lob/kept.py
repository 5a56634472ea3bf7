"""The form in which books are kept: one Parquet file, written whole or block by block.

Columns are `time_ns`, `ask_price_1` to `bid_size_L`, `traded` and `session`. Prices are in whole
ticks as in `Book`, or in whole units, so many to a tick as the file's metadata say; an absent level
has NaN or null. The metadata also hold symbol, tick, source and whether synthetic. It knows no
other format and does not judge what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import atomic
from atb.clock import NS_PER_MS
from atb.errors import DataError
from atb.market.lob.book import SIDES, Book
from atb.market.reading import MAX_ROWS, blaming, require_file

_ROWS = 65_536  # at a time, so that a book is never in memory twice
_MEND = "make it again from what it was made of"


@dataclass(frozen=True)
class Facts:
    """What a kept file says of itself without being read whole.

    Attributes:
        symbol: the market.
        rows: number of rows.
        levels: L.
        first_ms: time of the first row, ms UTC.
        last_ms: time of the last row, ms UTC.
        sessions: number of sessions.
        tick: see `Book`.
        units_per_tick: of stored prices.
        source: where it came from.
        synthetic: true when a simulator made any of it.
    """

    symbol: str
    rows: int
    levels: int
    first_ms: int
    last_ms: int
    sessions: int
    tick: float | None
    units_per_tick: int
    source: str
    synthetic: bool


class Writer:
    """Takes the columns of a book, any rows at a time."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._waiting: list[Any] = []
        self._marks: dict[str, str] = {}

    def append(self, columns: Sequence[npt.NDArray[Any]], absent: float | None = None) -> None:
        """Add rows: `time_ns`, one array for each side of each level, `traded`, `session`.

        Args:
            columns: in the order of the file.
            absent: the price that stands for an absent level, to be kept as null.
        """
        import pyarrow as pa

        schema = self._file.schema
        arrays = [
            pa.array(
                np.ascontiguousarray(column),
                field.type,
                mask=None if absent is None or "_price_" not in field.name else column == absent,
            )
            for field, column in zip(schema, columns, strict=True)
        ]
        if len(columns[0]):
            self._marks.setdefault("atb.first_ns", str(columns[0][0]))
            self._marks["atb.last_ns"] = str(columns[0][-1])
            self._marks["atb.last_session"] = str(columns[-1][-1])
        self._waiting.append(pa.Table.from_arrays(arrays, schema=schema))
        if sum(table.num_rows for table in self._waiting) >= _ROWS:
            self._flush()

    def finish(self, tick: float | None, units_per_tick: int) -> None:
        """Write what is left, the span of it, and the unit of prices: by now all is known."""
        self._flush()
        self._marks["atb.units_per_tick"] = str(units_per_tick)
        if tick is not None:
            self._marks["atb.tick"] = repr(float(tick))
        self._file.add_key_value_metadata(self._marks)

    def _flush(self) -> None:
        import pyarrow as pa

        if self._waiting:
            self._file.write_table(pa.concat_tables(self._waiting), row_group_size=_ROWS)
            self._waiting.clear()


@contextmanager
def writing(
    path: Path,
    depth: int,
    whole: bool,
    origin: Mapping[str, str],
    judge: Callable[[Path], None] = lambda _: None,
) -> Iterator[Writer]:
    """Open a file for `depth` levels; it takes its place when the body has finished it.

    Args:
        path: of the file.
        depth: L.
        whole: whether prices are integers.
        origin: see `origin`.
        judge: given the finished file before it takes its place; what it raises keeps it from it.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow.parquet as pq

    with atomic.file(path) as temporary:
        schema = _schema(depth, whole).with_metadata({"atb.kind": Book.kind, **origin})
        with pq.ParquetWriter(
            temporary, schema, compression="zstd", write_page_checksum=True
        ) as file:
            yield Writer(file)
        judge(temporary)


def origin(symbol: str, source: str, synthetic: bool) -> dict[str, str]:
    """Where rows come from, as `writing` takes it."""
    return {
        "atb.symbol": symbol,
        "atb.source": source,
        "atb.synthetic": str(synthetic).lower(),
    }


def write(book: Book, path: Path) -> None:
    """Write a book atomically; `read` gives it back bit for bit.

    Raises:
        StorageError: when the disk refuses.
    """
    where_from = origin(book.symbol, book.source, book.synthetic)
    with writing(path, book.depth, whole=False, origin=where_from) as file:
        for start in range(0, len(book), _ROWS):
            part = book.rows(start, start + _ROWS)
            file.append((part.time_ns, *part.levels.T, part.traded, part.session))
        file.finish(book.tick, units_per_tick=1)


def is_kept(path: Path) -> bool:
    """Whether a Parquet file is a book in this form."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        marks = pq.read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError, ValueError):
        return False
    return bool(marks.get(b"atb.kind") == Book.kind.encode())


def facts(path: Path) -> Facts:
    """What a kept file says of itself.

    Raises:
        DataError: when it is damaged, empty or of another form.
    """
    with _opened(path) as (_, about):
        return about


def read(path: Path, symbol: str | None = None) -> Book:
    """The book in a kept file, under another symbol if one is given.

    Raises:
        DataError: when it is damaged, empty, of another form or too long.
    """
    with _opened(path) as (file, about):
        if about.rows > MAX_ROWS:
            raise DataError(f"it has {about.rows:,} rows", remedy=f"{MAX_ROWS:,} at most")
        columns = _columns(about.rows, about.levels)
        start = 0
        for batch in file.iter_batches(batch_size=_ROWS):
            stop = start + batch.num_rows
            _fill([column[start:stop] for column in columns], batch, about.units_per_tick)
            start = stop
        if start != about.rows:
            raise ValueError(f"it has {start:,} rows and says {about.rows:,}")
    return _book(replace(about, symbol=symbol or about.symbol), columns)


def parts(path: Path) -> Iterator[Book]:
    """The book in a kept file, some thousands of rows at a time.

    Raises:
        DataError: when it is damaged, empty or of another form.
    """
    with _opened(path) as (file, about):
        for batch in file.iter_batches(batch_size=_ROWS):
            columns = _columns(batch.num_rows, about.levels)
            _fill(columns, batch, about.units_per_tick)
            yield _book(about, columns)


def _columns(rows: int, depth: int) -> tuple[npt.NDArray[Any], ...]:
    """Room for the columns of a book."""
    return (
        np.empty(rows, np.int64),
        np.empty((rows, depth * len(SIDES)), np.float32),
        np.empty(rows, np.float32),
        np.empty(rows, np.int32),
    )


def _book(about: Facts, columns: Sequence[npt.NDArray[Any]]) -> Book:
    time_ns, levels, traded, session = columns
    return Book(
        about.symbol,
        time_ns,
        levels,
        traded,
        session,
        tick=about.tick,
        source=about.source,
        synthetic=about.synthetic,
    )


def _schema(depth: int, whole: bool) -> Any:
    import pyarrow as pa

    kinds = {"price": pa.int32() if whole else pa.float32(), "size": pa.float32()}
    levels = [
        (f"{side}_{level}", kinds[side.partition("_")[2]])
        for level in range(1, depth + 1)
        for side in SIDES
    ]
    own = [("traded", pa.float32()), ("session", pa.int32())]
    return pa.schema([("time_ns", pa.int64()), *levels, *own])


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Facts]]:
    """A kept file and what it says of itself; damage found in the body is said of the file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with blaming(str(path)):
        require_file(path)
        try:
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                yield file, _facts(file)
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            reason = (str(error).splitlines() or ["damaged"])[0][:160]
            raise DataError(f"it cannot be read as a kept book ({reason})", remedy=_MEND) from error


def _facts(file: Any) -> Facts:
    """What the footer says.

    Raises:
        ValueError: when it is no kept book's.
        KeyError: when a mark is missing.
    """
    about, schema = file.metadata, file.schema_arrow.remove_metadata()
    marks = {name.decode(): value.decode() for name, value in (about.metadata or {}).items()}
    depth = (len(schema) - 3) // len(SIDES)
    if marks["atb.kind"] != Book.kind or schema not in (
        _schema(depth, True),
        _schema(depth, False),
    ):
        raise ValueError("its columns are not those of a kept book")
    if not about.num_rows:
        raise DataError("there are no rows", remedy="give a file with a book in it")
    tick = float(marks["atb.tick"]) if "atb.tick" in marks else None
    units = int(marks["atb.units_per_tick"])
    if units < 1 or (tick is not None and not 0 < tick < np.inf):
        raise ValueError(f"{units} units to a tick of {tick}")
    return Facts(
        symbol=marks["atb.symbol"],
        rows=about.num_rows,
        levels=depth,
        first_ms=int(marks["atb.first_ns"]) // NS_PER_MS,
        last_ms=int(marks["atb.last_ns"]) // NS_PER_MS,
        sessions=int(marks["atb.last_session"]) + 1,
        tick=tick,
        units_per_tick=units,
        source=marks["atb.source"],
        synthetic=marks["atb.synthetic"] == "true",
    )


def _fill(columns: Sequence[npt.NDArray[Any]], batch: Any, units_per_tick: int) -> None:
    """Write a batch into slices of the columns of a book."""
    time_ns, levels, traded, session = columns
    for index, (name, column) in enumerate(zip(batch.schema.names, batch.columns, strict=True)):
        values = column.to_numpy(zero_copy_only=False)
        if "_price_" in name:
            # Whole numbers of units that are whole numbers of ticks: no quotient is rounded.
            levels[:, index - 1] = values if units_per_tick == 1 else values / units_per_tick
        elif column.null_count:
            raise ValueError(f"{name} has missing values")
        elif "_size_" in name:
            levels[:, index - 1] = values
        else:
            {"time_ns": time_ns, "traded": traded, "session": session}[name][:] = values
