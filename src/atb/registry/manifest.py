"""The list of a model's files with size and SHA-256, written last and read strictly.

There is one way to write a manifest down; what is not written in just that way is refused, so
that no change to it goes unnoticed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from atb.errors import IntegrityError

NAME = "manifest.json"
FORMAT = 1
MAX_BYTES = 1_000_000
REMEDY = "do not use this model; train it again or restore it from a backup"

_FILE = re.compile(r"[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """Size in bytes and SHA-256 of one file."""

    size: int
    sha256: str


def entry_of(path: Path) -> Entry:
    """Size and SHA-256 of a file as it stands."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return Entry(stream.tell(), digest.hexdigest())


def write(folder: Path) -> None:
    """Write the manifest of all files in a folder.

    Raises:
        ValueError: when a file's name is not plain: small letters, digits, `-`, `_` and dots.
    """
    entries = {path.name: entry_of(path) for path in sorted(folder.iterdir())}
    content = _encoded(entries)
    _decoded(content)
    (folder / NAME).write_bytes(content)


def read(folder: Path) -> Mapping[str, Entry]:
    """The files a folder must hold.

    Raises:
        IntegrityError: when there is no manifest or it is not exactly of the known form.
    """
    path = folder / NAME
    if path.is_symlink() or not path.is_file():
        raise IntegrityError(f"there is no {NAME}", where=str(folder), remedy=REMEDY)
    if path.stat().st_size > MAX_BYTES:
        raise IntegrityError(
            f"it has {path.stat().st_size} bytes, more than {MAX_BYTES}",
            where=str(path),
            remedy=REMEDY,
        )
    try:
        return _decoded(path.read_bytes())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(
            f"the manifest is damaged ({type(error).__name__}: {error})",
            where=str(path),
            remedy=REMEDY,
        ) from error


def _encoded(entries: Mapping[str, Entry]) -> bytes:
    files = {name: asdict(entries[name]) for name in sorted(entries)}
    return json.dumps({"format": FORMAT, "files": files}, indent=2).encode() + b"\n"


def _decoded(content: bytes) -> dict[str, Entry]:
    parsed = json.loads(content)
    if parsed["format"] != FORMAT:
        raise ValueError(f"format {parsed['format']!r} is unknown, this is {FORMAT}")
    entries = {name: _entry(name, values) for name, values in parsed["files"].items()}
    if _encoded(entries) != content:
        raise ValueError("it is not written the way a manifest is")
    return entries


def _entry(name: str, values: Mapping[str, Any]) -> Entry:
    size, sha256 = values["size"], values["sha256"]
    if not _FILE.fullmatch(name) or name == NAME:
        raise ValueError(f"{name!r} is no name of a model's file")
    if type(size) is not int or size < 0 or not _SHA256.fullmatch(sha256):
        raise ValueError(f"the entry of {name!r} is {values!r}")
    return Entry(size, sha256)
