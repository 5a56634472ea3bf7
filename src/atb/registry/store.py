"""Models added whole, listed and found. `latest.json` moves when a model is added; promotion does not.

Many processes may add at once: folders are renamed into place, and the pointer is replaced under a
lock. What a crash leaves behind begins with a dot and is removed by the next addition.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock

from atb import atomic
from atb.errors import UsageError, nearest
from atb.registry import manifest
from atb.registry.version import Version
from atb.workspace import Workspace

Writer: TypeAlias = Callable[[Path], None]
LATEST = "latest.json"


def add(
    workspace: Workspace, symbol: str, name: str, version: str, writers: Mapping[str, Writer]
) -> Version:
    """Write a new version whole or not at all, then point `latest.json` at it.

    Args:
        workspace: where models lie.
        symbol: the market.
        name: the model's name, usually its preset's.
        version: the version's name; a running number is added when it is taken.
        writers: by file name, what writes that file to the path it is given.

    Raises:
        StorageError: when the disk refuses or the folder cannot be made.
    """
    home = atomic.make_folder(workspace.models(symbol, name))
    with FileLock(home / ".lock"):
        _remove_leftovers(home)
        place = _free(home, version)
        with atomic.folder(place) as folder:
            for file, write in writers.items():
                write(folder / file)
            manifest.write(folder)
        atomic.write_json(home / LATEST, {"version": place.name})
    return Version(symbol, name, place.name, place)


def versions(workspace: Workspace, symbol: str | None = None) -> list[Version]:
    """All versions, of one symbol or of every one, oldest first within a model."""
    pattern = f"{symbol or '*'}/*/*/{manifest.NAME}"
    return [
        Version.at(path.parent)
        for path in sorted(workspace.model_root.glob(pattern))
        if not path.parent.name.startswith(".")
    ]


def find(workspace: Workspace, reference: str) -> Version:
    """The version a person means.

    Args:
        workspace: where models lie.
        reference: a folder, or `SYMBOL`, `SYMBOL/NAME` (their newest) or `SYMBOL/NAME/VERSION`.

    Raises:
        UsageError: when there is none such.
    """
    folder = Path(reference)
    if (folder / manifest.NAME).is_file():
        return Version.at(folder)
    known = versions(workspace)
    parts = reference.strip("/").split("/")
    found = [one for one in known if [one.symbol, one.name, one.version][: len(parts)] == parts]
    if not found:
        names = {f"{one.symbol}/{one.name}/{one.version}" for one in known}
        raise UsageError(
            f"there is no model {reference!r} in {workspace.model_root}",
            remedy=f"{nearest(reference, names)} (see: atb models list)" if known else "train one",
        )
    return max(found, key=lambda one: one.version)


def _free(home: Path, version: str) -> Path:
    """A folder name not taken yet."""
    place, number = home / version, 1
    while place.exists():
        number += 1
        place = home / f"{version}-{number}"
    return place


def _remove_leftovers(home: Path) -> None:
    for path in home.glob(".*.tmp"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
