"""What a plan came to, as one plain JSON object.

`jobs`: every piece of work, `state` done, was done or failed, with what it took. `models`: those
that were trained, each with the figure that decides beside its naive forecast's, and its backtest.
`results`: what was found of models, by piece of work. `failures`: why others are not done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atb import __version__
from atb.clock import iso, now_ms
from atb.errors import AtbError
from atb.fleet.job import Outcome
from atb.plans import done
from atb.plans.plan import Node, Plan
from atb.plans.standing import Standing
from atb.registry import document
from atb.workspace import Workspace

Json = dict[str, Any]
Failures = Mapping[str, AtbError]
EARNED = ("total_return", "sharpe", "max_drawdown")  # of a backtest, where it has them


def of(
    plan: Plan,
    path: Path,
    now: Standing,
    outcomes: Mapping[str, Outcome],
    failures: Failures,
) -> Json:
    """The summary of a plan that was gone through.

    Args:
        plan: that was.
        path: its folder.
        now: what is done.
        outcomes: of the jobs that were carried out, by node.
        failures: why others are not done.
    """
    workspace = Workspace(path.parent.parent)
    records = now.records
    return {
        "plan": plan.name,
        "path": str(path),
        "created": iso(now_ms()),
        "atb": __version__,
        "synthetic": any(record.get("synthetic") for record in records.values()),
        "jobs": [_job(node, now, outcomes) for node in plan.nodes.values()],
        "models": [
            {**_model(workspace, node, records[node.name]), "new": node.name in outcomes}
            for node in plan.of_kind("train")
            if node.name in records
        ],
        "results": {
            name: record["result"] for name, record in records.items() if "result" in record
        },
        "outputs": {
            name: str(workspace.root / record["output"])
            for name, record in records.items()
            if "output" in record
        },
        "failures": {name: error.to_json() for name, error in failures.items()},
    }


def _job(node: Node, now: Standing, outcomes: Mapping[str, Outcome]) -> Json:
    outcome = outcomes.get(node.name)
    state = "failed" if node.name not in now.records else "done" if outcome else "was done"
    took = {"seconds": outcome.seconds, "memory": outcome.memory} if outcome else {}
    return {
        "name": node.name,
        "step": node.step,
        "kind": node.kind,
        "symbol": node.symbol,
        "key": now.keys.get(node.name),
        "state": state,
        **took,
    }


def _model(workspace: Workspace, node: Node, record: Mapping[str, Any]) -> Json:
    version = done.model(workspace, record)
    metrics = document.read(version.path / "metrics.json")
    traded = metrics["backtest"]
    return {
        "job": node.name,
        "symbol": node.symbol,
        "recipe": version.name,
        "seed": node.recipe.config.training.seed if node.recipe else None,
        "model": record["model"],
        "path": str(version.path),
        "headline": metrics["headline"],
        "verdict": metrics["verdict"],
        "backtest": {name: traded[name] for name in EARNED if name in traded},
    }
