"""What a plan would do, what of it is done, and how long and how large the rest may be.

Time is what the same kind of work with the same recipe took here before; of networks that were
never trained here it is measured over a few steps, times the epochs there are at most. Nothing is
begun and nothing is written.
"""

from __future__ import annotations

import heapq
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from atb import backend
from atb.config.architectures import AnyNetwork
from atb.config.training import TrainingConfig
from atb.events import Listener, Stopwatch, silent
from atb.fleet import limits, scheduler
from atb.fleet.job import Job
from atb.fleet.policy import Limits
from atb.market.access import load_history
from atb.plans import experience, standing
from atb.plans.experience import Cost
from atb.plans.plan import Node, Plan
from atb.plans.standing import Standing
from atb.plans.work import LIGHT_BYTES, WORK
from atb.report.record import data as facts
from atb.workspace import Workspace

START_SECONDS = 15.0  # a process with TensorFlow, an export and a verdict
TRIED_WINDOWS = 10_000  # of an epoch that is measured
Json = dict[str, Any]


def estimate(
    plan: Plan,
    *,
    artifacts: Path | str = "artifacts",
    at_once: int | None = None,
    listen: Listener = silent,
) -> Json:
    """What would be done.

    Args:
        plan: what is to be done.
        artifacts: root folder in which it would be.
        at_once: jobs side by side; None for what the machine bears.
        listen: told when steps of networks are measured.

    Returns:
        `plan`, `jobs` each with `name`, `step`, `symbol`, `state` (done, to do, or unknown before
        its rows are fetched), `seconds` and `memory`; `states` counted; `seconds` of all together,
        `unknown`, how many that leaves out, `memory` in bytes of those side by side, `at_once`.

    Raises:
        DataError: when a file cannot be read, or its rows are damaged.
    """
    workspace = Workspace(Path(artifacts))
    kept = standing.of_rows(plan, workspace)
    now = standing.of_all(plan, workspace, _with_files(plan, kept, workspace, listen))
    over = {name for name in now.records if plan.nodes[name].kind != "data"} | {*kept.records}
    left = [node for node in plan.nodes.values() if node.name not in over]
    with tempfile.TemporaryDirectory() as folder:
        side_by_side = limits.of_machine(at_once, Path(folder)).cores
        costs = _costs(left, now, workspace, Path(folder), listen)
    known = {name: one.seconds for name, one in costs.items() if one.seconds is not None}
    states = {name: _state(name, over, now) for name in plan.nodes}
    return {
        "plan": plan.name,
        "jobs": [_said(node, states[node.name], costs) for node in plan.nodes.values()],
        "states": dict(Counter(states.values())),
        "seconds": span(left, known, side_by_side),
        "unknown": len(costs) - len(known),
        "memory": sum(heapq.nlargest(side_by_side, (one.memory for one in costs.values()))),
        "at_once": side_by_side,
    }


def span(left: Sequence[Node], seconds: Mapping[str, float], at_once: int) -> float:
    """Seconds until all is done, so many at once, each begun in order as soon as it can be.

    Args:
        left: what is to do, each after what it needs.
        seconds: of each by name; nothing for those that are not there.
        at_once: side by side.
    """
    free = [0.0] * at_once
    ended: dict[str, float] = {}
    for node in left:
        begun = max([heapq.heappop(free), *(ended.get(name, 0.0) for name in node.needs)])
        ended[node.name] = begun + seconds.get(node.name, 0.0)
        heapq.heappush(free, ended[node.name])
    return max(ended.values(), default=0.0)


def _with_files(plan: Plan, kept: Standing, workspace: Workspace, listen: Listener) -> Standing:
    """The rows that are kept, and those of files, as they would be."""
    records = dict(kept.records)
    for node in plan.of_kind("data"):
        if node.name not in records and node.data.path is not None:
            history = load_history(node.symbol, node.data, workspace, listen)
            records[node.name] = {"history": history.sha256(), **facts(history)}
    return Standing(kept.keys, records)


def _state(name: str, over: set[str], now: Standing) -> str:
    if name in over:
        return "done"
    return "to do" if name in now.keys else "unknown"


def _said(node: Node, state: str, costs: Mapping[str, Cost]) -> Json:
    cost = costs.get(node.name)
    took = {"seconds": cost and cost.seconds, "memory": cost and cost.memory}
    return {"name": node.name, "step": node.step, "symbol": node.symbol, "state": state, **took}


def _costs(
    left: Sequence[Node], now: Standing, workspace: Workspace, logs: Path, listen: Listener
) -> dict[str, Cost]:
    """What each piece of work that is left may take."""
    before = experience.read(workspace)
    never = {
        node.recipe.config.name: node.recipe.config
        for node in left
        if node.kind == "train" and node.recipe and experience.likeness(node) not in before
    }
    epochs = _measured(never, logs, listen)
    return {node.name: _cost(node, now, before, epochs) for node in left}


def _cost(
    node: Node, now: Standing, before: Mapping[str, Cost], epochs: Mapping[str, float]
) -> Cost:
    """What a piece of work may take: as much as its like did, or as was measured."""
    usual = WORK[node.kind].memory if node.kind in WORK else LIGHT_BYTES
    rows = now.records.get(node.needs[0] if node.needs else node.name, {}).get("rows")
    like = before.get(experience.likeness(node))
    if like is not None:
        return Cost(like.seconds, like.memory or usual)
    config = node.recipe.config if node.recipe and node.kind == "train" else None
    if config is None or rows is None or config.name not in epochs:
        return Cost(None, usual)
    share = config.dataset.train * rows / TRIED_WINDOWS
    seconds = epochs[config.name] * share * config.training.epochs
    return Cost(START_SECONDS + seconds, usual)


def _measured(
    configs: Mapping[str, TrainingConfig], logs: Path, listen: Listener
) -> dict[str, float]:
    """Seconds that an epoch of `TRIED_WINDOWS` takes, by recipe; of networks alone."""
    steps = {name: one for name, one in configs.items() if isinstance(one.model, AnyNetwork)}
    if not steps:
        return {}
    with Stopwatch(listen).stage("measuring a few steps"):
        asked = [Job("measure", measure, {"configs": steps})]
        (outcome,) = scheduler.run(asked, Limits(1), logs)
    if outcome.error is not None:
        raise outcome.error
    found: dict[str, float] = outcome.value
    return found


def measure(configs: Mapping[str, TrainingConfig], listen: Listener) -> dict[str, float]:  # noqa: ARG001 (every job could report)
    """Seconds of an epoch of `TRIED_WINDOWS`, by recipe; in a process of its own."""
    backend.prepare(next(iter(configs.values())).training.seed)
    from atb.training import cost  # not earlier: it imports TensorFlow

    return {
        name: cost.by_precision(one, TRIED_WINDOWS)[0].seconds_per_epoch or 0.0
        for name, one in configs.items()
    }
