"""Whether a model's folder is what its manifest says, asked before anything in it is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from atb.errors import IntegrityError
from atb.registry import manifest
from atb.registry.manifest import Entry

_REMEDY = "do not use this model; train again or restore it from a backup"


def verify(folder: Path) -> Mapping[str, Entry]:
    """Compare every file with the manifest, and return the manifest's entries.

    Raises:
        IntegrityError: for a file that is missing, extra, no plain file, or not as it was written.
    """
    if not folder.is_dir():
        raise IntegrityError("it is no model folder", where=str(folder), remedy="check the path")
    expected = manifest.read(folder)
    present = {path.name for path in folder.iterdir()} - {manifest.NAME}
    for name in sorted(expected.keys() - present):
        raise IntegrityError("the file is missing", where=str(folder / name), remedy=_REMEDY)
    for name in sorted(present - expected.keys()):
        raise IntegrityError(
            "the file is not in the manifest", where=str(folder / name), remedy=_REMEDY
        )
    for name, entry in expected.items():
        _compare(folder / name, entry)
    return expected


def _compare(path: Path, expected: Entry) -> None:
    if path.is_symlink() or not path.is_file():
        raise IntegrityError("it is no plain file", where=str(path), remedy=_REMEDY)
    size = path.stat().st_size
    if size != expected.size:
        raise IntegrityError(
            f"it has {size} bytes, the manifest says {expected.size}",
            where=str(path),
            remedy=_REMEDY,
        )
    actual = manifest.entry_of(path)
    if actual != expected:
        raise IntegrityError(
            f"its SHA-256 is {actual.sha256}, the manifest says {expected.sha256}",
            where=str(path),
            remedy=_REMEDY,
        )
