"""Files opened as Arrow tables; each damage said as what it is.

It knows formats, not what the columns mean: it is told which are wanted.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atb import atomic
from atb.errors import DataError

MAX_ROWS = 50_000_000

# A file's ending, the format's name for people, and what reads an Arrow table of it.
Readers = Mapping[str, tuple[str, Callable[[Path], Any]]]


@contextmanager
def blaming(where: str) -> Iterator[None]:
    """Add the file's name to errors that know only what is wrong in it."""
    try:
        yield
    except DataError as error:
        raise DataError(error.what, where=where, remedy=error.remedy) from error


def require_file(path: Path) -> None:
    """Refuse what is no plain file before opening it: opening a pipe would wait for ever.

    Raises:
        DataError: when it cannot be opened, is a folder or empty.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"it cannot be opened ({reason})", remedy="check the path") from error
    if stat.S_ISDIR(status.st_mode):
        raise DataError("it is a folder", remedy="give the path of one file")
    if not stat.S_ISREG(status.st_mode):
        raise DataError("it is no plain file", remedy="give the path of a plain file")
    if status.st_size == 0:
        raise DataError("it is empty", remedy="give a file with rows in it")


def is_folder(path: Path) -> bool:
    """Whether there is a folder; a name that no folder can have is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def arrow_table(path: Path, readers: Readers) -> tuple[Any, dict[bytes, bytes]]:
    """The Arrow table in a file, and its metadata; the format is told by the ending.

    Raises:
        DataError: when there is no such file, its ending is none of `readers`, or it is damaged.
    """
    import pyarrow as pa

    require_file(path)
    ending = path.suffix.lower()
    if ending not in readers:
        raise DataError(
            f"its ending is {ending or 'missing'}", remedy=f"known: {', '.join(readers)}"
        )
    kind, reader = readers[ending]
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


def parquet_of(locate: Callable[[list[str]], Mapping[str, str]]) -> Callable[[Path], Any]:
    """What reads the columns of a Parquet file that `locate` finds among its names."""
    return lambda path: parquet(path, lambda names: list(locate(names).values()))


def parquet(path: Path, choose: Callable[[list[str]], list[str]]) -> Any:
    """The Arrow table of the columns that `choose` takes of a Parquet file's names.

    Raises:
        DataError: when it promises more than `MAX_ROWS` rows, or `choose` refuses its names.
    """
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        if file.metadata.num_rows > MAX_ROWS:
            raise DataError(
                f"it says it has {file.metadata.num_rows:,} rows", remedy=f"{MAX_ROWS:,} at most"
            )
        return file.read(columns=choose(file.schema_arrow.names))


def write_parquet(path: Path, columns: Mapping[str, Any], origin: Mapping[str, str]) -> None:
    """Write columns of equal length and what is said of them, whole or not at all.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    made = pa.table(dict(columns), metadata=dict(origin))
    with atomic.file(path) as temporary:
        pq.write_table(made, temporary, compression="zstd", write_page_checksum=True)
