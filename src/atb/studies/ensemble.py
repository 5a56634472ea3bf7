"""Trains the members of an ensemble side by side, then joins them into one model.

An ensemble that was stopped or killed, or of which a member failed, goes on when the same is asked
for again. How one is trained, and how they are joined, is not known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atb import atomic, runs
from atb.backtest import hooks
from atb.config.training import TrainingConfig
from atb.errors import AtbError
from atb.events import Listener, Noted, Stopwatch, silent
from atb.extras import require_installed
from atb.fleet.job import Job
from atb.pipeline import history_for, require_whole
from atb.registry import document, integrity
from atb.runs import Recipe
from atb.studies import ensemble_jobs, jobs, side_by_side
from atb.studies.joint import KIND, Joint
from atb.studies.study import RESULTS
from atb.workspace import Workspace

Failures = dict[str, AtbError]


def train(
    config: TrainingConfig,
    *,
    artifacts: Path | str = "artifacts",
    at_once: int | None = None,
    listen: Listener = silent,
) -> tuple[dict[str, Any], Failures]:
    """Train an ensemble, or what is left of one begun earlier.

    Args:
        config: of an ensemble, as `ensemble_recipes` makes it.
        artifacts: root folder of everything written.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        listen: told of what happens, in each of them too.

    Returns:
        The summary of the model with its members beside it, see `_results`; and why parts failed,
        in which case there is no summary.

    Raises:
        StoppedError: when a signal stopped it; the same call goes on.
        AtbError: when nothing can be begun; nothing is written then.
    """
    require_installed("train")
    require_whole(config)
    workspace = Workspace(Path(artifacts))
    workspace.require_writable(workspace.models(config.symbol, config.name))
    hooks.find(config.trading)
    parts = config.parts()
    with Stopwatch(listen).stage("data"):
        history = history_for([config, *parts.values()], workspace, listen)
        found = Joint.taken_up(KIND, workspace, {**parts, config.name: config}, history)
    with found.held():
        failures = _train(found, at_once, listen)
        if failures:
            return {}, failures
        made = _results(found)
        atomic.write_json(found.path / RESULTS, made)  # last: with it the ensemble is finished
    return made, {}


def _train(found: Joint, at_once: int | None, listen: Listener) -> Failures:
    """Train the parts that are not done, then the ensemble; why some of them failed."""
    missing, run = found.missing(), found.run(found.ensemble)
    if not missing:
        if run.begun:
            runs.end(run)  # killed after the model was registered
        return {}
    if not run.begun:
        recipe = Recipe(found.members[found.ensemble], found.history(), {})
        runs.start(found.workspace, run.name, recipe)
    done = len(found.members) - len(missing)
    listen(Noted(f"ensemble {found.name}: {done} of {len(found.members)} trainings are done"))
    asked = [
        Job(part, ensemble_jobs.learn_part, {"study": found, "part": part})
        for part in missing
        if part != found.ensemble
    ]
    failures = side_by_side.carry_out(found, asked, at_once, listen)
    if failures:
        return failures
    arguments = {"study": found, "member": found.ensemble}
    joining = Job(found.ensemble, jobs.train_member, arguments)
    return side_by_side.carry_out(found, [joining], 1, listen)


def _results(found: Joint) -> dict[str, Any]:
    """What is known of the registered ensemble.

    Its summary as `atb train model` gives it; `ensemble` says how it, each member and what needs no
    model do on validation rows, and what each member weighs; `study` is the folder.
    """
    path = found.model(found.ensemble)
    integrity.verify(path)
    metadata = document.read(path / "metadata.json")
    return {
        "study": found.name,
        "version": path.name,
        "path": str(path),
        "onnx": str(path / "model.onnx"),
        "symbol": metadata["symbol"],
        "preset": found.ensemble,
        "data": metadata["data"],
        **document.read(path / "metrics.json"),
        "parity": metadata["parity"],
        "stages": metadata["stages"],
        "epochs": metadata["training"]["epochs"],
        "ensemble": metadata["training"]["ensemble"],
    }
