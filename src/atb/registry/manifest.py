"""The list of a model's files with size and SHA-256, written last and read strictly."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb.errors import IntegrityError

NAME = "manifest.json"
FORMAT = 1
MAX_BYTES = 1_000_000
_FILE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
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
    """Write the manifest of all files in a folder."""
    files = {path.name: entry_of(path) for path in sorted(folder.iterdir())}
    content = {
        "format": FORMAT,
        "files": {name: {"size": e.size, "sha256": e.sha256} for name, e in files.items()},
    }
    (folder / NAME).write_text(json.dumps(content, indent=2) + "\n")


def read(folder: Path) -> Mapping[str, Entry]:
    """The files a folder must hold.

    Raises:
        IntegrityError: when there is no manifest or it is not exactly of the known form.
    """
    path = folder / NAME
    if path.is_symlink() or not path.is_file():
        raise IntegrityError("there is no manifest.json", where=str(folder), remedy=_REMEDY)
    if path.stat().st_size > MAX_BYTES:
        raise IntegrityError(f"the manifest exceeds {MAX_BYTES} bytes", where=str(path))
    try:
        return _entries(json.loads(path.read_bytes()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(
            f"the manifest is damaged ({type(error).__name__}: {error})",
            where=str(path),
            remedy=_REMEDY,
        ) from error


_REMEDY = "do not use this folder; train again or restore it from a backup"


def _entries(content: Any) -> dict[str, Entry]:
    if content["format"] != FORMAT or content.keys() != {"format", "files"}:
        raise ValueError(f"format {content['format']!r} is unknown")
    entries = {}
    for name, entry in content["files"].items():
        size, sha256 = entry["size"], entry["sha256"]
        if not _FILE.fullmatch(name) or name == NAME or ".." in name:
            raise ValueError(f"{name!r} is no file name")
        if type(size) is not int or size < 0 or not _SHA256.fullmatch(sha256):
            raise ValueError(f"the entry of {name!r} is {entry!r}")
        entries[name] = Entry(size, sha256)
    return entries
