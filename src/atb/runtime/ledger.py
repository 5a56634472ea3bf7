"""An append-only file of records: one line of JSON each, chained, on the disk before it counts.

A line begins with `"previous"`, the hash of the line before (64 zeros before the first), and ends
with `"sha256"`, the hash of its own JSON up to there. Whoever changes, drops, adds or moves a line
breaks the chain; only whole lines taken off the end leave no trace. It knows nothing of what the
records say.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from atb import atomic
from atb.errors import IntegrityError, StorageError
from atb.events import Listener, Warned, silent

START = "0" * 64  # the hash before the first line
REMEDY = "restore it from a backup, or move it away and begin a new one"
OWN = ("previous", "sha256")  # keys that no record may have
SEAL = re.compile(rb', "sha256": "[0-9a-f]{64}"}')
SEAL_BYTES = len(b', "sha256": ""}') + len(START)


class Ledger:
    """The one writer of a ledger.

    Attributes:
        path: the file.
        last: the newest record; None while there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last: Mapping[str, Any] | None = None
        self._sha256 = START
        self._durable = True
        self._file = -1
        self._held = ExitStack()

    @classmethod
    def open(cls, path: Path, listen: Listener = silent, *, durable: bool = True) -> Self:
        """Lock a ledger, verify every line, and mend the end that a crash left unfinished.

        Args:
            path: the file, made if there is none; a lock file is left beside it.
            listen: told when the last line was unfinished.
            durable: whether each record is flushed to the disk, which takes milliseconds: without
                it a record outlives this process, but not a machine that loses power.

        Raises:
            IntegrityError: naming the first line that is not as it was written.
            StorageError: when another process writes it, or the disk refuses.
        """
        ledger = cls(path)
        ledger._durable = durable
        with ExitStack() as held:
            lock = path.with_name(f".{path.name}.lock")
            held.enter_context(atomic.locked(lock, 0, "another process writes this ledger"))
            chain = _Chain(path)
            newest = deque(chain.lines(), maxlen=1)
            try:
                ledger._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
                held.callback(os.close, ledger._file)
                _mend(ledger._file, chain, listen)
            except OSError as error:
                raise _refused(error, path) from error
            ledger.last = _record(newest[0], path) if newest else None
            ledger._sha256 = chain.sha256
            ledger._held = held.pop_all()
        return ledger

    def append(self, record: Mapping[str, Any]) -> None:
        """Write a record; it is on the disk when this returns, if the ledger is durable.

        Raises:
            StorageError: when the disk refuses; the ledger is closed then, and mended when opened.
            ValueError: when the record is no JSON, has a number that is not finite or a key of the
                ledger's own, or the ledger is closed.
        """
        if self._file < 0:
            raise ValueError(f"the ledger {self.path} is closed")
        if taken := [name for name in OWN if name in record]:
            raise ValueError(f"the record has {taken}, which the ledger writes itself")
        line, sha256 = _sealed({"previous": self._sha256, **record})
        try:
            _write(self._file, line, self._durable)
        except OSError as error:
            self.close()
            raise _refused(error, self.path) from error
        self.last, self._sha256 = dict(record), sha256

    def close(self) -> None:
        """Let another process write it; nothing more is written here."""
        self._file = -1
        self._held.close()

    def __enter__(self) -> Self:
        """The ledger itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()


def read(path: Path) -> list[Mapping[str, Any]]:
    """Every record of a ledger, oldest first; none where there is no file.

    It may be written meanwhile: a last line that is not finished yet is left out.

    Raises:
        IntegrityError: naming the first line that is not as it was written.
        StorageError: when it cannot be read.
    """
    return [_record(line, path) for line in _Chain(path).lines()]


class _Chain:
    """The lines of a ledger, verified one after another.

    Attributes:
        path: the file.
        sha256: hash of the last whole line.
        size: bytes up to the end of it.
        rest: what comes after that.
        unended: whether the last whole line lacks its line end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sha256, self.size, self.rest, self.unended = START, 0, b"", False

    def lines(self) -> Iterator[bytes]:
        """The whole lines without their ends, each once it has been verified."""
        if not self.path.exists() and not self.path.is_symlink():
            return
        if self.path.is_symlink() or not self.path.is_file():
            raise IntegrityError("it is no plain file", where=str(self.path), remedy=REMEDY)
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, 1):
                    if whole := self._whole(line, f"{self.path}:{number}"):
                        yield whole
        except OSError as error:
            raise StorageError(
                f"cannot be read: {error.strerror or error}", where=str(self.path)
            ) from error

    def _whole(self, line: bytes, where: str) -> bytes | None:
        """The line without its end; None for a last one that is unfinished."""
        whole, begins = line.removesuffix(b"\n"), _beginning(self.sha256)
        self.unended = whole == line
        if whole.startswith(begins) and (sha256 := _seal_of(whole)):
            self.sha256, self.size = sha256, self.size + len(line)
            return whole
        if self.unended and _unfinished(line, begins):
            self.rest = line
            return None
        raise IntegrityError("it is not as it was written", where=where, remedy=REMEDY)


def _beginning(previous: str) -> bytes:
    return json.dumps({"previous": previous}).encode()[:-1]


def _sealed(content: Mapping[str, Any]) -> tuple[bytes, str]:
    """A line, and its hash."""
    text = json.dumps(content, allow_nan=False).encode()
    sha256 = hashlib.sha256(text).hexdigest()
    return text[:-1] + _seal(sha256) + b"\n", sha256


def _seal(sha256: str) -> bytes:
    return f', "sha256": "{sha256}"}}'.encode()


def _seal_of(whole: bytes) -> str | None:
    """The hash that a line without its line end is sealed with; None where it is not its own."""
    sha256 = hashlib.sha256(whole[:-SEAL_BYTES] + b"}").hexdigest()
    return sha256 if whole[-SEAL_BYTES:] == _seal(sha256) else None


def _unfinished(line: bytes, begins: bytes) -> bool:
    """Whether a crash may have left this: the beginning of a line, and no whole one within.

    What a disk had promised but not yet written may read as zeros.
    """
    written = line.rstrip(b"\0")
    whole = any(_seal_of(written[: found.end()]) for found in SEAL.finditer(written))
    return begins.startswith(written[: len(begins)]) and not whole


def _record(whole: bytes, path: Path) -> Mapping[str, Any]:
    try:
        record: dict[str, Any] = json.loads(whole)
    except (ValueError, RecursionError) as error:
        what = f"it is no record ({type(error).__name__})"
        raise IntegrityError(what, where=str(path), remedy=REMEDY) from error
    return {name: value for name, value in record.items() if name not in OWN}


def _mend(file: int, chain: _Chain, listen: Listener) -> None:
    """Cut an unfinished line off, or end a whole one."""
    if chain.rest:
        os.ftruncate(file, chain.size)
        listen(Warned(f"{chain.path} broke off within a line, which is left out"))
    elif chain.unended:
        os.write(file, b"\n")
    os.fsync(file)
    atomic.flush(chain.path.parent)


def _write(file: int, line: bytes, durable: bool) -> None:
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(file, rest) :]
    if durable:
        os.fsync(file)


def _refused(error: OSError, path: Path) -> StorageError:
    return StorageError(
        f"cannot write: {error.strerror or error}",
        where=str(path),
        remedy="check that it is writable and that the disk has space",
    )
