"""What does each kind of a plan's work, and what that must be told.

Every job is told the root of artifacts, and the key under which it writes down what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atb.fleet.job import PROCESS_BYTES
from atb.plans import jobs, judgements
from atb.plans.plan import Node
from atb.plans.standing import Standing
from atb.workspace import Workspace

LIGHT_BYTES = PROCESS_BYTES // 3  # of a process without TensorFlow
Json = dict[str, Any]
Keys = Mapping[str, str]


@dataclass(frozen=True)
class Work:
    """One kind of work.

    Attributes:
        function: that a job calls.
        told: what it is told of a node, of the SHA-256 of its rows and of the keys of its models.
        memory: bytes it may hold.
    """

    function: Callable[..., Any]
    told: Callable[[Node, str, Keys], Json]
    memory: int = LIGHT_BYTES


def arguments(node: Node, now: Standing, workspace: Workspace) -> Json:
    """What the job of a node is told, once its rows are known."""
    rows = str(now.records[node.needs[0]]["history"])
    own = WORK[node.kind].told(node, rows, {name: now.keys[name] for name in node.models})
    return {**own, "artifacts": workspace.root.absolute(), "key": now.keys[node.name]}


def _recipe(node: Node, rows: str, _models: Keys) -> Json:
    if node.recipe is None:
        raise ValueError(f"{node.name} has no recipe")
    return {"config": node.recipe.config, "sha256": rows}


def _search(node: Node, rows: str, _models: Keys) -> Json:
    return {"recipe": node.recipe, "sha256": rows, **node.settings}


def _models_on_rows(node: Node, rows: str, models: Keys) -> Json:
    named = {"symbol": node.symbol, "data": node.data, "sha256": rows}
    return {**named, "models": dict(models), **node.settings}


def _models(node: Node, _rows: str, models: Keys) -> Json:
    return {"models": dict(models), **node.settings}


WORK: Mapping[str, Work] = {
    "features": Work(jobs.compute_features, _recipe, PROCESS_BYTES),
    "train": Work(jobs.train, _recipe, PROCESS_BYTES),
    "tune": Work(jobs.tune_recipe, _search, PROCESS_BYTES + LIGHT_BYTES),
    "evaluate": Work(judgements.evaluate, _models_on_rows),
    "drift": Work(judgements.look_for_drift, _models_on_rows),
    "compare": Work(judgements.compare, _models),
    "promote": Work(judgements.promote, _models),
}
