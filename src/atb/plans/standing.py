"""Where a plan stands: the key of each of its nodes, and what came of those that are done.

Reads what was written down before; changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atb.errors import DataError
from atb.plans import done
from atb.plans.plan import Node, Plan
from atb.workspace import Workspace


@dataclass(frozen=True)
class Standing:
    """What is known of a plan's nodes, by name.

    Attributes:
        keys: of nodes whose rows are known.
        records: what came of nodes that are done.
    """

    keys: Mapping[str, str]
    records: Mapping[str, Mapping[str, Any]]


def of_rows(plan: Plan, workspace: Workspace) -> Standing:
    """The nodes that read rows.

    Raises:
        DataError: when a file cannot be read.
    """
    nodes = plan.of_kind("data")
    keys = {node.name: _key_of_rows(node) for node in nodes}
    return Standing(keys, _records(workspace, keys))


def of_all(plan: Plan, workspace: Workspace, rows: Standing) -> Standing:
    """All nodes; those whose rows are not known have no key."""
    known = {name: str(record["history"]) for name, record in rows.records.items()}
    keys = done.keys(plan, known)
    return Standing({**rows.keys, **keys}, {**rows.records, **_records(workspace, keys)})


def _records(workspace: Workspace, keys: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    found = {name: done.read(workspace, key) for name, key in keys.items()}
    return {name: record for name, record in found.items() if record is not None}


def _key_of_rows(node: Node) -> str:
    try:
        return done.key_of_rows(node)
    except OSError as error:
        raise DataError(
            f"it cannot be opened ({error.strerror})",
            where=str(node.data.path),
            remedy="check the path",
        ) from error
