"""A disk that fills up: from some point on, nothing more can be written to it."""

from __future__ import annotations

import builtins
import errno
import importlib.util
import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CALLS = ("fsync", "mkdir", "rename", "replace", "sendfile")


class Disk:
    """Counts what Python asks of the disk, and refuses it once there is no more room.

    Asked are all writes of files that Python opened, and the calls of the system named above.
    Removing is never refused.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.room = 0

    def ask(self) -> None:
        """One thing more."""
        self.asked += 1
        if self.asked > self.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    @contextmanager
    def holding(self, room: int) -> Iterator[Disk]:
        """Room for so many things, then it is full."""
        self.asked, self.room = 0, room
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, self._asking(getattr(os, name)))
            patch.setattr(io, "open", self._open)
            patch.setattr(builtins, "open", self._open)
            yield self

    def _asking(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def asking(*words: Any, **options: Any) -> Any:
            self.ask()
            return call(*words, **options)

        return asking

    def _open(
        self,
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        """As the built-in; what is opened for writing asks before each write that reaches it."""
        if not set(mode) & set("wxa+"):
            return OPEN(file, mode, buffering, encoding, errors, newline, closefd, opener)
        disk = self

        class Asking(io.FileIO):
            def write(self, content: Any) -> int:
                disk.ask()
                return super().write(content)

        raw = Asking(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)


OPEN = io.open


@pytest.fixture
def disk() -> Disk:
    """A disk that can be filled."""
    return Disk()


@pytest.fixture(scope="session")
def files_in() -> Callable[[Path], dict[str, bytes]]:
    """`files_in(folder)`: content by path of all there is but lock files."""

    def files_in(folder: Path) -> dict[str, bytes]:
        found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}

    return files_in


@pytest.fixture(scope="session")
def beside() -> Callable[[str], Any]:
    """`beside(name)`: a helper module of this folder, which is no package."""

    def beside(name: str) -> Any:
        path = Path(__file__).with_name(f"{name}.py")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return beside
