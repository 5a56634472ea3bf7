"""Models added whole, listed and found.

Many processes may add at once: each holds the model's lock while it writes. `latest.json` moves
when a model is added; promotion does not. What a crash leaves behind begins with a dot, is never
listed, and is removed by the next addition.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from atb import atomic
from atb.errors import UsageError, nearest
from atb.registry import manifest, promotion
from atb.registry.version import Version, check_version
from atb.workspace import Workspace, check_symbol

Writer: TypeAlias = Callable[[Path], None]
LATEST = "latest.json"
PROMOTED = "promoted"


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
        UsageError: when a name cannot become a folder.
        StorageError: when the disk refuses, the folder cannot be made, a link leads out of the
            models or another process holds it.
        ValueError: when the writers write anything but the files they are named for.
    """
    check_version(version)
    home = atomic.make_folder(workspace.inside(workspace.models(symbol, name)))
    with atomic.locked(home / ".lock"):
        atomic.remove_leftovers(home)
        place = _free(home, version)
        with atomic.folder(place) as folder:
            _fill(folder, writers)
        atomic.write_json(home / LATEST, {"version": place.name})
    return Version(symbol, name, place.name, place)


def versions(workspace: Workspace, symbol: str | None = None) -> list[Version]:
    """All versions, of one symbol or of every one, oldest first within a model.

    Raises:
        UsageError: when the symbol cannot be one.
    """
    place = "*" if symbol is None else check_symbol(symbol)
    found = sorted(workspace.model_root.glob(f"{place}/*/*/"))
    return [Version.at(path) for path in found if not path.name.startswith(".")]


def find(workspace: Workspace, reference: str) -> Version:
    """The version a person means; whether it is whole is asked by `integrity.verify`.

    Args:
        workspace: where models lie.
        reference: a folder, or `SYMBOL`, `SYMBOL/NAME` (their newest), `SYMBOL/NAME/VERSION` or
            `SYMBOL/promoted` (the one that runs).

    Raises:
        UsageError: when there is none such.
        IntegrityError: when what was promoted is not what its journal says.
    """
    if _is_model(Path(reference)):
        return Version.at(Path(reference))
    parts = reference.strip("/").split("/")
    if len(parts) == 2 and parts[1] == PROMOTED:
        return promotion.promoted(workspace, parts[0])
    known = versions(workspace)
    found = [one for one in known if [one.symbol, one.name, one.version][: len(parts)] == parts]
    if not found:
        names = {f"{one.symbol}/{one.name}/{one.version}" for one in known}
        raise UsageError(
            f"there is no model {reference!r} in {workspace.model_root}",
            remedy=f"{nearest(reference, names)} (see: atb models list)" if known else "train one",
        )
    return max(found, key=lambda one: one.version)


def _is_model(folder: Path) -> bool:
    """Whether a model lies there; what cannot be the name of a folder names none."""
    try:
        return Version.at(folder).onnx.exists() or (folder / manifest.NAME).exists()
    except OSError:  # a name that is too long
        return False


def _free(home: Path, version: str) -> Path:
    """A folder name not taken yet."""
    place, number = home / version, 1
    while place.exists():
        number += 1
        place = home / f"{version}-{number:03d}"
    return place


def _fill(folder: Path, writers: Mapping[str, Writer]) -> None:
    for name, write in writers.items():
        write(folder / name)
    written = {path.name for path in folder.iterdir()}
    if written != writers.keys():
        raise ValueError(f"writers of {sorted(writers)} wrote {sorted(written)}")
    manifest.write(folder)
