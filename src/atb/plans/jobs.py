"""What the processes of a plan do: read rows, compute matrices, train; each tells what came of it.

A job is a function of a recipe, the SHA-256 of its rows and the root of artifacts. One that trains
goes on where an earlier one stopped. What is done with models is in `judgements.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from atb import backend, pipeline, runs
from atb.clock import now_ms, stamp
from atb.config.data import AnyData
from atb.config.training import TrainingConfig
from atb.errors import IntegrityError
from atb.events import Listener, Stopwatch, Warned
from atb.market import histories
from atb.market.access import load_history
from atb.plans import done
from atb.presets import Recipe
from atb.registry.version import Version
from atb.report.record import data as facts
from atb.runs import Run
from atb.studies.tune import tune
from atb.workspace import Workspace

ORPHAN_SECONDS = 120.0  # that the process of a killed plan has for stopping
Json = dict[str, Any]


def read_rows(symbol: str, data: AnyData, artifacts: Path, key: str, listen: Listener) -> Json:
    """Read or fetch the rows of a symbol and keep them.

    Returns:
        Its record: `history`, the SHA-256, and what is known of the rows.

    Raises:
        DataError: when there are none, or they are damaged.
    """
    workspace = Workspace(artifacts)
    with Stopwatch(listen).stage("data"):
        found = load_history(symbol, data, workspace, listen)
        kept = histories.keep(workspace, found)
        record = {**done.of_history(workspace, kept), **facts(found)}
    done.write(workspace, key, record)
    return record


def compute_features(
    config: TrainingConfig, sha256: str, artifacts: Path, key: str, listen: Listener
) -> Json:
    """Compute the feature matrix of a recipe's rows, which trainings then share.

    Raises:
        IntegrityError: when the rows are not those of the hash.
    """
    workspace = Workspace(artifacts)
    history = histories.read(workspace, sha256, config.symbol, config.data)
    backend.prepare(config.training.seed)
    from atb.features import stored  # not earlier: it imports TensorFlow

    with Stopwatch(listen).stage("features"):
        stored.matrix(workspace, config.features, history)
    record = {"rows": len(history)}
    done.write(workspace, key, record)
    return record


def train(config: TrainingConfig, sha256: str, artifacts: Path, key: str, listen: Listener) -> Json:
    """Train a model and register it, or go on with the run that was begun under the same key.

    Raises:
        AtbError: as `pipeline.train_model` does.
    """
    workspace = Workspace(artifacts)
    left = _runs_left(workspace, key, listen)
    version = _registered(workspace, config, key)
    if version is None:
        version = _trained(workspace, config, sha256, key, left, listen)
    else:
        for run in left:
            runs.end(run)
    record = {**done.of_model(version), "recipe": config.name}
    done.write(workspace, key, record)
    return record


def _registered(workspace: Workspace, config: TrainingConfig, key: str) -> Version | None:
    """The model of a key, if one was registered before anybody could write that down."""
    home = workspace.models(config.symbol, config.name)
    for path in sorted(home.glob(f"*-{key[: done.SHORT]}")):
        version = Version.at(path)
        try:
            done.of_model(version)
        except IntegrityError:
            continue  # what is damaged is trained again
        return version
    return None


def _runs_left(workspace: Workspace, key: str, listen: Listener) -> list[Run]:
    """Runs of a key that nobody is at any more; those that nobody can take up are removed."""
    ending = f"-{key[: done.SHORT]}"
    for run in runs.listing(workspace):
        if run.name.endswith(ending):
            runs.wait_for(run, ORPHAN_SECONDS)
    left = [run for run in runs.listing(workspace) if run.name.endswith(ending)]
    return [run for run in left if _can_be_taken_up(run, listen)]


def _can_be_taken_up(run: Run, listen: Listener) -> bool:
    try:
        run.recipe()
    except IntegrityError as error:
        listen(Warned(f"training begins anew, for what was left is damaged: {error.where}"))
        runs.end(run)
        return False
    return True


def _trained(
    workspace: Workspace,
    config: TrainingConfig,
    sha256: str,
    key: str,
    left: Sequence[Run],
    listen: Listener,
) -> Version:
    """The model of a run that was left, or else of a new one."""
    if left:
        result = pipeline.resume_training(left[-1].name, artifacts=workspace.root, listen=listen)
        return Version.at(result.path)
    history = histories.read(workspace, sha256, config.symbol, config.data)
    result = pipeline.train_model(
        config,
        artifacts=workspace.root,
        version=f"{stamp(now_ms())}-{key[: done.SHORT]}",
        history=history,
        listen=listen,
    )
    return Version.at(result.path)


def tune_recipe(
    recipe: Recipe, sha256: str, trials: int, artifacts: Path, key: str, listen: Listener
) -> Json:
    """Try many values of a recipe's fields, one trial after another, and write the best down.

    Raises:
        AtbError: as `studies.tune.tune` does.
    """
    workspace = Workspace(artifacts)
    data = recipe.config.data.of_file(histories.path(workspace, sha256))
    kept = replace(
        recipe,
        config=recipe.config.model_copy(update={"data": data}),
        fields={**recipe.fields, "data": data.model_dump(mode="json")},
    )
    found = tune(kept, trials=trials, artifacts=artifacts, at_once=1, listen=listen)
    output = Path(found["output"]).absolute().relative_to(artifacts.absolute())
    record = {"output": str(output), "result": {"words": found["words"]}}
    done.write(workspace, key, record)
    return record
