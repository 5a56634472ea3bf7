"""Files that can be made again: used by many processes, least recently used ones removed first.

Whoever reads an entry holds it, by a lock that the system frees when the process dies; what is held
is not removed. It lies on the ground because rooms of several floors keep things; it knows paths
and sizes, not what an entry is.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from atb import atomic

LOCK, RESERVED = ".lock", ".reserved"


@dataclass(frozen=True)
class Entry:
    """A file of a cache.

    Attributes:
        path: where it lies.
        bytes: its size.
        used: when it was last taken or made, ms UTC.
    """

    path: Path
    bytes: int
    used: int


@dataclass(frozen=True)
class Pruned:
    """What was removed, and what would have been, had nobody held it."""

    removed: tuple[Entry, ...]
    held: tuple[Entry, ...]


def filling(room: Path) -> AbstractContextManager[None]:
    """Make a folder of entries and let nobody clear it of unfinished files while the body writes.

    Raises:
        StorageError: when the folder cannot be made.
    """
    return _shared(room, LOCK)


def reserved(room: Path) -> AbstractContextManager[None]:
    """Hold all entries of a folder, and those that come, while the body runs: for a thousand jobs.

    Raises:
        StorageError: when the folder cannot be made.
    """
    return _shared(room, RESERVED)


@contextmanager
def _shared(room: Path, name: str) -> Iterator[None]:
    atomic.make_folder(room)
    with (room / name).open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def take(path: Path) -> BinaryIO | None:
    """An entry, opened; None where there is none. It is held until the file is closed.

    A memory map of the file holds it too, for as long as the map lives.
    """
    while True:
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)
        if _lies_at(path, file):
            with suppress(OSError):  # a cache that may only be read serves all the same
                os.utime(path)
            return file
        file.close()  # removed, or replaced, before it was held


@contextmanager
def held(paths: Iterable[Path]) -> Iterator[None]:
    """Hold entries while the body runs; one that is not there is no matter."""
    with ExitStack() as stack:
        for path in paths:
            file = take(path)
            if file is not None:
                stack.enter_context(file)
        yield


def listing(rooms: Sequence[Path]) -> list[Entry]:
    """The entries of folders, the least recently used first."""
    found = []
    for path in (path for room in rooms for path in room.glob("[!.]*")):
        with suppress(FileNotFoundError):  # removed meanwhile
            status = path.stat()
            found.append(Entry(path, status.st_size, status.st_mtime_ns // 1_000_000))
    return sorted(found, key=lambda entry: (entry.used, entry.path))


def prune(rooms: Sequence[Path], max_bytes: int) -> Pruned:
    """Remove the least recently used entries that nobody holds, until the others are few enough.

    What killed writers left unfinished is removed too.

    Args:
        rooms: folders of entries.
        max_bytes: that all of them together may have.

    Raises:
        OSError: when the disk refuses.
        StorageError: when it refuses to clear what is unfinished.
    """
    for room in rooms:
        with _own(room, LOCK) as alone:
            if alone:
                atomic.remove_leftovers(room)
    entries = listing(rooms)
    left = sum(entry.bytes for entry in entries)
    removed, held_back = [], []
    for entry in entries:
        if left <= max_bytes:
            break
        with _own(entry.path.parent, RESERVED) as alone:
            gone = alone and _remove(entry.path)
        if gone:
            removed.append(entry)
            left -= entry.bytes
        else:
            held_back.append(entry)
    return Pruned(tuple(removed), tuple(held_back))


@contextmanager
def _own(room: Path, name: str) -> Iterator[bool]:
    """Whether nobody shares a lock of a folder; then nobody does while the body runs."""
    if not room.is_dir():
        yield False
        return
    with (room / name).open("ab") as lock:
        yield _alone(lock)


def _remove(path: Path) -> bool:
    """Whether an entry is gone; False when somebody holds it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return True
    with file:
        if not _alone(file):
            return False
        if _lies_at(path, file):
            path.unlink()
        return True


def _alone(file: BinaryIO) -> bool:
    """Whether nobody else holds a file; if so, nobody will until it is closed."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lies_at(path: Path, file: BinaryIO) -> bool:
    """Whether an open file is still the one at its path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
