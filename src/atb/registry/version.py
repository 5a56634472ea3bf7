"""A version: one trained model's folder and its names."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from pathlib import Path

from atb.clock import now_ms, stamp
from atb.errors import UsageError

_VERSION = re.compile(r"\d{8}T\d{6}Z(?:-[0-9a-z]{1,16})*")


def check_version(version: str) -> str:
    """The version's name, if it is one: a UTC time and words, as `20240131T120000Z-7f3a91bc`.

    Raises:
        UsageError: for anything else; versions become folder names.
    """
    if not _VERSION.fullmatch(version):
        raise UsageError(
            f"{version!r} is not a version", remedy="write it as 20240131T120000Z-7f3a91bc"
        )
    return version


def new_version() -> str:
    """A name for a version made now: the UTC second and a word no other process has."""
    return f"{stamp(now_ms())}-{uuid.uuid4().hex[:8]}"


@dataclass(frozen=True)
class Version:
    """`models/SYMBOL/NAME/VERSION` and where that lies."""

    symbol: str
    name: str
    version: str
    path: Path

    @property
    def reference(self) -> str:
        """What names it within its workspace: `SYMBOL/NAME/VERSION`."""
        return f"{self.symbol}/{self.name}/{self.version}"

    @property
    def onnx(self) -> Path:
        """The serving graph."""
        return self.path / "model.onnx"

    @classmethod
    def at(cls, path: Path) -> Version:
        """The version whose folder this is, by the names of its parents."""
        full = path.absolute()
        return cls(full.parent.parent.name, full.parent.name, full.name, path)
