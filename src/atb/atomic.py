"""Files and folders written whole or not at all.

Everything is written under a temporary name beside its place, flushed to the disk and renamed;
a crash leaves the old content or the new, never a mixture. It knows nothing of what is written.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from atb.errors import StorageError

LOCK_SECONDS = 60.0


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")


def flush(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _storage_error(error: OSError, path: Path) -> StorageError:
    return StorageError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        remedy="check that the folder exists, is writable and has space",
    )


def make_folder(path: Path) -> Path:
    """Make a folder and its parents unless they exist.

    Raises:
        StorageError: when that is not possible.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _storage_error(error, path) from error
    return path


@contextmanager
def file(path: Path) -> Iterator[Path]:
    """Yield a temporary path to write; the file takes its place only when the body succeeds.

    Raises:
        StorageError: when the folder cannot be made or the disk refuses the write.
    """
    make_folder(path.parent)
    temporary = _temporary(path)
    try:
        yield temporary
        flush(temporary)
        temporary.replace(path)
        flush(path.parent)
    except OSError as error:
        raise _storage_error(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; it takes its name only when the body succeeds.

    Raises:
        StorageError: when `path` exists already, or the disk refuses a write.
    """
    if path.exists():
        raise StorageError(f"{path} exists already", remedy="choose another name")
    make_folder(path.parent)
    temporary = _temporary(path)
    try:
        temporary.mkdir()
        yield temporary
        for member in sorted(temporary.rglob("*")):
            flush(member)
        flush(temporary)
        temporary.rename(path)
        flush(path.parent)
    except OSError as error:
        raise _storage_error(error, path) from error
    finally:
        with suppress(FileNotFoundError):
            shutil.rmtree(temporary)


@contextmanager
def locked(
    path: Path, seconds: float | None = None, taken: str = "another process holds it"
) -> Iterator[None]:
    """Hold a lock file; others wait so many seconds, or a minute. A dead process frees its lock.

    Raises:
        StorageError: when it stays taken, which is said as `taken`, or cannot be made.
    """
    make_folder(path.parent)
    lock = FileLock(path, timeout=LOCK_SECONDS if seconds is None else seconds)
    try:
        lock.acquire()
    except Timeout as error:
        remedy = "wait for other processes to end"
        raise StorageError(taken, where=str(path), remedy=remedy) from error
    except OSError as error:
        raise StorageError(
            f"cannot be locked: {error}",
            where=str(path),
            remedy="check that the folder is writable",
        ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def scratch(path: Path) -> Iterator[Path]:
    """Yield a new folder for work in progress; it is gone afterwards, whatever happens.

    Raises:
        StorageError: when it cannot be made.
    """
    make_folder(path)
    try:
        yield path
    finally:
        shutil.rmtree(path)
        with suppress(OSError):  # others may be at work beside it
            path.parent.rmdir()


def remove_folder(path: Path) -> None:
    """Remove a folder; a crash leaves it whole, or what `remove_leftovers` removes.

    Raises:
        StorageError: when the disk refuses.
    """
    gone = path.with_name(f".{path.name}.tmp")
    try:
        path.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise _storage_error(error, path) from error


def remove_leftovers(folder: Path) -> None:
    """Remove what a crash left half-written in a folder; call it under the folder's lock.

    Raises:
        StorageError: when the disk refuses.
    """
    for path in folder.glob(".*.tmp"):
        try:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        except OSError as error:
            raise _storage_error(error, path) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically."""
    with file(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically, indented, with sorted keys; NaN is refused.

    Raises:
        ValueError: when a number is not finite, since JSON has no name for it.
    """
    text = json.dumps(content, indent=2, sort_keys=True, allow_nan=False)
    write_bytes(path, text.encode() + b"\n")


def append(path: Path, content: bytes) -> None:
    """Write whole lines at the end of a file, made if there is none; a kill may cut the last one.

    Raises:
        StorageError: when the disk refuses.
    """
    try:
        with path.open("ab") as stream:
            stream.write(content)
    except OSError as error:
        raise _storage_error(error, path) from error


def drop_unended_line(path: Path) -> None:
    """Take off what a kill left of a last line, if there is such a file.

    Raises:
        StorageError: when the disk refuses.
    """
    if not path.exists():
        return
    try:
        with path.open("r+b") as stream:
            stream.truncate(stream.read().rfind(b"\n") + 1)
    except OSError as error:
        raise _storage_error(error, path) from error
