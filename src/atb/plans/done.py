"""What of a plan is done, by the hash of everything that decides what it comes to.

A key stands for a kind of step, its recipe with its seed, its rows, the code and the keys of the
models that it works on; what else it waits for changes nothing of what it comes to. What is done
leaves a small file named by its key; it counts only as long as the model or file that it names is
what it was.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from atb import atomic
from atb.code import code_sha256
from atb.errors import AtbError
from atb.market import histories
from atb.plans.plan import Node, Plan
from atb.registry import integrity, manifest
from atb.registry.version import Version
from atb.workspace import Workspace

Record = Mapping[str, Any]
SHORT = 16  # digits of a key in names of runs and versions

_LOG = logging.getLogger(__name__)


def key_of_rows(node: Node) -> str:
    """The key of a node that reads rows: a file counts by what is in it, wherever it lies.

    Raises:
        OSError: when the file cannot be read.
    """
    said = node.data.model_dump(mode="json")
    if node.data.path is not None:
        said["path"] = _sha256_of(node.data.path)
    return key_of(node.kind, node.symbol, said)


def keys(plan: Plan, rows: Mapping[str, str]) -> dict[str, str]:
    """The keys of nodes whose rows are known, by name.

    Args:
        plan: whose nodes they are.
        rows: SHA-256 of histories, by the node that reads them.
    """
    found: dict[str, str] = {}
    for node in plan.nodes.values():
        if node.kind != "data" and node.needs[0] in rows:
            before = [rows[node.needs[0]], *(found[name] for name in node.models)]
            found[node.name] = key_of(node.kind, node.symbol, _recipe(node), node.settings, before)
    return found


def _recipe(node: Node) -> Any:
    """The recipe of a node, JSON-ready; where its rows came from does not matter."""
    if node.recipe is None:
        return None
    config = node.recipe.config.model_dump(mode="json", exclude={"data"})
    search = {name: one.model_dump(mode="json") for name, one in node.recipe.preset.search.items()}
    return [config, node.data.facts(), search if node.kind == "tune" else None]


def key_of(*parts: Any) -> str:
    """The key of parts that are JSON-ready, and of this code."""
    text = json.dumps([*parts, code_sha256()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _sha256_of(path: Path) -> str:
    """Of a file, or of all files in a folder."""
    if not path.is_dir():
        return manifest.entry_of(path).sha256
    inside = {str(one.relative_to(path)): one for one in path.rglob("*") if one.is_file()}
    each = {name: manifest.entry_of(one).sha256 for name, one in sorted(inside.items())}
    return hashlib.sha256(json.dumps(each).encode()).hexdigest()


def write(workspace: Workspace, key: str, record: Record) -> None:
    """Write down that something is done.

    Args:
        workspace: where.
        key: of what is done.
        record: what came of it, JSON-ready: a `history` by its hash, with the SHA-256 of its
            `file`, a `model` with that of its `manifest`, an `output` file, a `result`.

    Raises:
        StorageError: when the disk refuses.
    """
    atomic.write_json(_path(workspace, key), dict(record))


def read(workspace: Workspace, key: str) -> dict[str, Any] | None:
    """What came of something; None where it is not done, or no longer there as it was."""
    path = _path(workspace, key)
    try:
        record = json.loads(path.read_bytes())
        whole = isinstance(record, dict) and _is_there(workspace, record)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError, AtbError) as error:
        _LOG.warning("%s does not count as done: %s", path, error)
        return None
    return record if whole else None


def records(workspace: Workspace) -> Iterator[dict[str, Any]]:
    """Everything that was ever done, whether it still counts or not."""
    for path in (workspace.plans / "done").glob("*.json"):
        with suppress(OSError, ValueError):  # one that is damaged counts for nothing
            record = json.loads(path.read_bytes())
            if isinstance(record, dict):
                yield record


def of_history(workspace: Workspace, sha256: str) -> dict[str, str]:
    """What a record says of rows that are kept.

    Raises:
        OSError: when they are not.
    """
    file = manifest.entry_of(histories.path(workspace, sha256))
    return {"history": sha256, "file": file.sha256}


def of_model(version: Version) -> dict[str, str]:
    """What a record says of a model.

    Raises:
        IntegrityError: when it is not what its manifest says.
    """
    integrity.verify(version.path)
    sha256 = manifest.entry_of(version.path / manifest.NAME).sha256
    return {"model": version.reference, "manifest": sha256}


def model(workspace: Workspace, record: Record) -> Version:
    """The model that a record names."""
    return Version.at(workspace.model_root / record["model"])


def _is_there(workspace: Workspace, record: Record) -> bool:
    """Whether what a record names is what it was."""
    if "history" in record:
        found = of_history(workspace, record["history"])
        return bool(found["file"] == record["file"])
    if "model" in record:
        found = of_model(model(workspace, record))
        return bool(found["manifest"] == record["manifest"])
    if "output" in record:
        return Path(workspace.root, record["output"]).is_file()
    return True


def _path(workspace: Workspace, key: str) -> Path:
    return workspace.plans / "done" / f"{key}.json"
