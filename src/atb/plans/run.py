"""Carries out a plan: rows first, then everything else, whatever is not done already.

The same plan again goes on where it stopped, however that came about. Knows nodes and the jobs that
do them, not how anything is done.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb import atomic, cache, event_log
from atb.backtest import hooks
from atb.environment import record
from atb.errors import AtbError, IntegrityError, StoppedError
from atb.event_log import EventLog
from atb.events import Listener, Noted, silent
from atb.extras import require_installed
from atb.fleet.engine import Engine
from atb.fleet.engines import local
from atb.fleet.job import Job, Outcome
from atb.fleet.queue import not_begun
from atb.plans import experience, jobs, standing, summary, work
from atb.plans.plan import Plan
from atb.plans.standing import Standing
from atb.workspace import Workspace

RESULTS = "results.json"
ROWS_AT_ONCE = None  # as many as the machine bears


@dataclass(frozen=True)
class Result:
    """How far a plan came.

    Attributes:
        path: its folder.
        failures: why pieces of work are not done, by name.
        summary: everything worth knowing, as `atb.plans.summary` describes it.
    """

    path: Path
    failures: Mapping[str, AtbError]
    summary: Mapping[str, Any]


def run(
    plan: Plan,
    *,
    artifacts: Path | str = "artifacts",
    engine: Engine,
    listen: Listener = silent,
) -> Result:
    """Do what is not done of a plan.

    Args:
        plan: what is to be done.
        artifacts: root folder of everything written.
        engine: carries out the jobs; rows are read here, where their files are.
        listen: told of what happens in each job.

    Raises:
        StoppedError: when a signal stopped it; the same call goes on.
        StorageError: when another process is at the same plan, or nothing can be written.
        AtbError: when nothing can be begun.
    """
    require_installed("train")
    _require_possible(plan)
    workspace = Workspace(Path(artifacts))
    workspace.require_writable()
    path = workspace.plans / f"{plan.name}-{_digest(plan)}"
    with (
        atomic.locked(path / ".lock", seconds=1.0, taken="another process is at this plan"),
        cache.reserved(workspace.histories),  # jobs that have not begun hold nothing yet
    ):
        listen = _written_down(plan, path, listen)
        rows, read = _read_rows(plan, workspace, path, listen)
        before = standing.of_all(plan, workspace, rows)
        _say_where_it_stands(plan, before, listen)
        asked = _jobs(plan, workspace, before)
        outcomes = {**read, **_carried_out(engine, asked, path, listen)}
        for name, outcome in outcomes.items():
            if outcome.error is None:
                experience.note(workspace, before.keys[name], plan.nodes[name], outcome)
        after = standing.of_all(plan, workspace, rows)
        failures = _failures(plan, after, outcomes)
        made = summary.of(plan, path, after, outcomes, failures)
        atomic.write_json(path / RESULTS, made)
    return Result(path, failures, made)


def _written_down(plan: Plan, path: Path, listen: Listener) -> Listener:
    """A listener that writes what happens into the plan's folder, whenever it is carried out."""
    log = EventLog(listen)
    recipes = {
        node.name: node.recipe.config.sha256()
        for node in plan.nodes.values()
        if node.recipe is not None
    }
    log.begin(path / event_log.NAME, plan=plan.name, recipes=recipes, environment=record())
    return log


def _require_possible(plan: Plan) -> None:
    """Refuse what would fail in every process."""
    for node in plan.of_kind("train", "tune"):
        if node.recipe is not None:
            hooks.find(node.recipe.config.trading)
    if plan.of_kind("tune"):
        require_installed("tune")


def _digest(plan: Plan) -> str:
    """Equal for the same plan of the same day, whatever the rows in its files are by now."""
    said = [
        [node.name, node.recipe and node.recipe.config.sha256(), node.data.said()]
        for node in plan.nodes.values()
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]


def _read_rows(
    plan: Plan, workspace: Workspace, path: Path, listen: Listener
) -> tuple[Standing, dict[str, Outcome]]:
    """Rows that are known by now; an exchange is asked again, a file only when it has changed."""
    before = standing.of_rows(plan, workspace)
    asked = [
        Job(
            node.name,
            jobs.read_rows,
            {
                "symbol": node.symbol,
                "data": node.data,
                "artifacts": workspace.root.absolute(),
                "key": before.keys[node.name],
            },
            cores=0 if node.data.path is None else 1,
            memory=work.LIGHT_BYTES,
        )
        for node in plan.of_kind("data")
        if node.data.path is None or node.name not in before.records
    ]
    here = local.connect(ROWS_AT_ONCE, None)
    outcomes = _carried_out(here, asked, path, listen)
    failed = {name for name, outcome in outcomes.items() if outcome.error is not None}
    now = standing.of_rows(plan, workspace)
    known = {name: one for name, one in now.records.items() if name not in failed}
    return Standing(now.keys, known), outcomes


def _carried_out(
    engine: Engine, asked: Sequence[Job], path: Path, listen: Listener
) -> dict[str, Outcome]:
    """The outcomes of jobs by name.

    Raises:
        StoppedError: when a signal stopped them.
    """
    if not asked:
        return {}
    outcomes = engine.run(asked, path / "logs", listen)
    if any(isinstance(outcome.error, StoppedError) for outcome in outcomes):
        ended = sum(outcome.error is None for outcome in outcomes)
        raise StoppedError(
            f"stopped: {ended} of {len(asked)} jobs were done",
            where=path.name,
            remedy="the same command goes on where it stopped",
        )
    return {outcome.name: outcome for outcome in outcomes}


def _say_where_it_stands(plan: Plan, now: Standing, listen: Listener) -> None:
    over = sum(node.name in now.records for node in plan.nodes.values())
    listen(Noted(f"plan {plan.name}: {over} of {len(plan.nodes)} jobs are done"))


def _jobs(plan: Plan, workspace: Workspace, now: Standing) -> list[Job]:
    """What is left to do and can be done."""
    left = {name: key for name, key in now.keys.items() if name not in now.records}
    asked = []
    for name, node in plan.nodes.items():
        if name in left and node.kind != "data":
            arguments = work.arguments(node, now, workspace)
            needs = tuple(one for one in node.needs if one in left)
            does = work.WORK[node.kind]
            asked.append(Job(name, does.function, arguments, needs, memory=does.memory))
    return asked


def _failures(plan: Plan, now: Standing, outcomes: Mapping[str, Outcome]) -> dict[str, AtbError]:
    """Why nodes are not done; of those that wait for others, that of the first that failed."""
    found: dict[str, AtbError] = {}
    for name, node in plan.nodes.items():
        outcome = outcomes.get(name)
        error = outcome.error if outcome is not None else None
        if error is not None:
            found[name] = error
        elif name not in now.records:
            lacking = next((one for one in node.needs if one in found), None)
            found[name] = _gone(name) if lacking is None else not_begun(lacking, found[lacking])
    return found


def _gone(name: str) -> AtbError:
    return IntegrityError(
        "what it made is not there", where=name, remedy="the same command makes it again"
    )
