"""Whether a model's folder is what its manifest says, asked before anything in it is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from atb.errors import IntegrityError
from atb.registry import manifest
from atb.registry.manifest import Entry


def verify(folder: Path) -> Mapping[str, Entry]:
    """Compare every file with the manifest, and return the manifest's entries by file name.

    Raises:
        IntegrityError: for a file that is missing, extra, no plain file, or not as it was written.
    """
    if not folder.is_dir():
        raise _error("it is no model folder", folder)
    expected = manifest.read(folder)
    present = {path.name for path in folder.iterdir()} - {manifest.NAME}
    for name in sorted(expected.keys() - present):
        raise _error("the file is missing", folder / name)
    for name in sorted(present - expected.keys()):
        raise _error("the file is not in the manifest", folder / name)
    for name, entry in expected.items():
        _compare(folder / name, entry)
    return expected


def _compare(path: Path, expected: Entry) -> None:
    if path.is_symlink() or not path.is_file():
        raise _error("it is no plain file", path)
    size = path.stat().st_size
    if size != expected.size:
        raise _error(f"it has {size} bytes, the manifest says {expected.size}", path)
    actual = manifest.entry_of(path)
    if actual != expected:
        raise _error(f"its SHA-256 is {actual.sha256}, the manifest says {expected.sha256}", path)


def _error(what: str, path: Path) -> IntegrityError:
    return IntegrityError(what, where=str(path), remedy=manifest.REMEDY)
