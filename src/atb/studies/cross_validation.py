"""Cross-validation: one recipe fitted once a fold, each time judged on windows it has not learned.

One that was stopped or killed, or of which a fold failed, goes on when the same is asked for again.
No model is registered: each fold's predictions and verdict stay in the study's folder. How one fold
is learned is not known here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from atb import atomic
from atb.backtest import hooks
from atb.config.folds import FoldSpec
from atb.config.training import TrainingConfig
from atb.errors import AtbError, UsageError
from atb.events import Listener, Noted, Stopwatch, silent
from atb.extras import require_installed
from atb.fleet.engine import Engine
from atb.fleet.job import Job
from atb.pipeline import history_for
from atb.studies import fold_jobs, fold_results, out_of_fold, side_by_side
from atb.studies.folded import KIND, Folded, recipes_of
from atb.studies.study import RESULTS
from atb.workspace import Workspace

Failures = dict[str, AtbError]


def cross_validate(
    config: TrainingConfig,
    scheme: FoldSpec,
    *,
    artifacts: Path | str = "artifacts",
    at_once: int | None = None,
    engine: Engine | None = None,
    listen: Listener = silent,
) -> tuple[dict[str, Any], Failures]:
    """Learn and judge every fold, or what is left of a cross-validation begun earlier.

    Args:
        config: the recipe; the shares of train and validation divide what a fold learns from.
        scheme: how windows are cut into folds; its number is not read.
        artifacts: root folder of everything written.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        engine: that carries out the trainings; None for this machine.
        listen: told of what happens, in each of them too.

    Returns:
        The results as `atb.studies.fold_results` describes them, and why folds failed.

    Raises:
        UsageError: for a recipe that begins with another model's weights, or an unknown backtest.
        DataError: when there are too few rows for a fold.
        StoppedError: when a signal stopped it; the same call goes on.
        AtbError: when nothing can be begun; nothing is written then.
    """
    require_installed("train")
    members = recipes(config, scheme)
    hooks.find(config.trading)
    workspace = Workspace(Path(artifacts))
    workspace.require_writable()
    with Stopwatch(listen).stage("data"):
        history = history_for(list(members.values()), workspace, listen)
        found = Folded.taken_up(KIND, workspace, members, history)
    with found.held():
        failures = _learn(found, at_once, engine, listen)
        predictions = out_of_fold.joined(found)
        made = fold_results.of(found, predictions, failures)
        if predictions is not None:
            out_of_fold.write(predictions, found.predictions)
        atomic.write_json(found.path / RESULTS, made)  # last: with it the study is finished
    return made, failures


def recipes(config: TrainingConfig, scheme: FoldSpec) -> dict[str, TrainingConfig]:
    """The recipe of each fold, by name.

    Raises:
        UsageError: for a recipe that begins with another model's weights.
    """
    if config.warm_start is not None:
        raise UsageError(
            f"{config.warm_start} may have learned from windows that folds are tested on",
            where="--from",
            remedy="leave it out; each fold begins with weights of its own",
        )
    return recipes_of(config, scheme)


def _learn(found: Folded, at_once: int | None, engine: Engine | None, listen: Listener) -> Failures:
    """Learn the folds that are not done; why some of them failed."""
    missing = found.missing()
    done, begun = len(found.members) - len(missing), filter(found.begun, missing)
    going_on = f"; going on: {names}" if (names := ", ".join(begun)) else ""
    listen(
        Noted(f"cross-validation {found.name}: {done} of {len(found.members)} folds done{going_on}")
    )
    jobs = [Job(name, fold_jobs.learn_fold, {"study": found, "member": name}) for name in missing]
    return side_by_side.carry_out(found, jobs, at_once, listen, engine)
