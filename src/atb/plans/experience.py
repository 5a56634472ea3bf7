"""What work took before, written down beside what came of it, so that its like can be estimated.

Work is alike that differs in symbol, rows and seed alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from atb.fleet.job import Outcome
from atb.plans import done
from atb.plans.plan import Node
from atb.workspace import Workspace

COSTS = "costs"  # the key in a record


@dataclass(frozen=True)
class Cost:
    """What a piece of work takes.

    Attributes:
        seconds: of wall time; None where nobody knows.
        memory: bytes it holds at most; 0 where nobody looked.
    """

    seconds: float | None
    memory: int


def likeness(node: Node) -> str:
    """Equal for work that should take as long."""
    recipe = node.recipe and node.recipe.config.seeded(0).model_dump(
        mode="json", exclude={"symbol", "data", "selection"}
    )
    said = [node.kind, recipe, dict(node.settings), len(node.models), node.data.facts()]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def note(workspace: Workspace, key: str, node: Node, outcome: Outcome) -> None:
    """Write down that a job did a piece of work, and what that took.

    Raises:
        StorageError: when the disk refuses.
    """
    took = {"like": likeness(node), "seconds": outcome.seconds, "memory": outcome.memory}
    done.write(workspace, key, {**outcome.value, COSTS: took})


def read(workspace: Workspace) -> Mapping[str, Cost]:
    """The most that work took here, by its likeness."""
    found: dict[str, Cost] = {}
    for record in done.records(workspace):
        with suppress(KeyError, TypeError):  # one that is damaged counts for nothing
            took = record[COSTS]
            like, known = took["like"], found.get(took["like"], Cost(0.0, 0))
            seconds = max(known.seconds or 0.0, took["seconds"])
            found[like] = Cost(seconds, max(known.memory, took["memory"]))
    return found
