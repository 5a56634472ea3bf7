"""Runs: trainings in progress, each a folder that holds all it needs to be taken up again.

`recipe/` (config and history, checksummed) is written before anything slow; `checkpoints/` is the
training's; `events.jsonl` says what happened. The folder is its owner's alone. A run whose model
is registered is removed; one that stopped keeps its folder as long as there is a checkpoint to go
on from. Knows nothing of what is trained.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb import atomic, event_log
from atb.config.training import TrainingConfig, from_json
from atb.errors import (
    AtbError,
    DivergedError,
    StoppedError,
    UsageError,
    nearest,
)
from atb.market.access import keep, read_kept
from atb.market.history import History
from atb.registry import integrity, manifest
from atb.workspace import Workspace

RECIPE, CONFIG, HISTORY, NOTES = "recipe", "config.json", "history.parquet", "notes.json"


@dataclass(frozen=True)
class Recipe:
    """What is trained, on which history, and what a model should remember of how it began."""

    config: TrainingConfig
    history: History
    notes: Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """A training in progress: its name, which its model will have too, and its folder."""

    name: str
    path: Path

    @property
    def checkpoints(self) -> Path:
        """Where the training keeps its checkpoints."""
        return self.path / "checkpoints"

    @property
    def events(self) -> Path:
        """Where it is written down what happens in it."""
        return self.path / event_log.NAME

    @property
    def workspace(self) -> Workspace:
        """Where it lies, and where its model will."""
        return Workspace(self.path.absolute().parent.parent)

    @property
    def begun(self) -> bool:
        """Whether its recipe is there: it has begun, and nobody has ended it."""
        return (self.path / RECIPE).is_dir()

    @property
    def started(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return any(self.checkpoints.glob("**/[0-9]*-[0-9]*"))  # an ensemble's lie in folders

    def config(self) -> TrainingConfig:
        """The configuration alone, unverified, for lists.

        Raises:
            ConfigError: when the file holds none of this version of atb.
            OSError: when it cannot be read.
        """
        path = self.path / RECIPE / CONFIG
        return from_json(path.read_text(), str(path))

    def recipe(self) -> Recipe:
        """The recipe as it was at the beginning.

        Raises:
            IntegrityError: when a file is not as it was written.
        """
        folder = self.path / RECIPE
        integrity.verify(folder)
        config = self.config()
        history = read_kept(folder / HISTORY, config.symbol, config.data)
        return Recipe(config, history, json.loads((folder / NOTES).read_text()))


def start(workspace: Workspace, name: str, recipe: Recipe) -> Run:
    """Write down a new run.

    Raises:
        StorageError: when the disk refuses.
    """
    run = Run(name, workspace.runs / name)
    with atomic.locked(workspace.runs / ".lock"):
        atomic.remove_leftovers(workspace.runs)
        with atomic.folder(run.path) as folder:
            folder.chmod(0o700)
            place = folder / RECIPE
            place.mkdir()
            (place / CONFIG).write_text(recipe.config.model_dump_json())
            (place / NOTES).write_text(json.dumps(dict(recipe.notes), allow_nan=False))
            keep(recipe.history, place / HISTORY)
            manifest.write(place)
    return run


def find(workspace: Workspace, reference: str) -> Run:
    """The stopped run a person means: its name, or its folder.

    Raises:
        UsageError: when there is none such.
    """
    known = {run.name: run for run in listing(workspace)}
    if reference in known:
        return known[reference]
    path = Path(reference)
    run = Run(path.absolute().name, path)
    if not run.begun:
        raise UsageError(
            f"there is no stopped training {reference!r} in {workspace.runs}",
            remedy=nearest(reference, known),
        )
    return run


def listing(workspace: Workspace) -> list[Run]:
    """Every run, oldest first: those that stopped and those that another process trains."""
    found = sorted(place.parent for place in workspace.runs.glob(f"*/{RECIPE}/"))
    return [Run(path.name, path) for path in found if not path.name.startswith(".")]


def command(run: Run) -> str:
    """What a person types to go on with a run."""
    return shlex.join(["atb", "train", "resume", str(run.path)])


def end(run: Run) -> None:
    """Remove a run whose model is registered.

    Raises:
        StorageError: when another process trains it.
        UsageError: when another process ended it meanwhile.
    """
    with _held(run):
        shutil.rmtree(run.path)


def wait_for(run: Run, seconds: float) -> None:
    """Wait until no process trains a run, as one does that stops because its parent has died.

    Raises:
        StorageError: when one still does after so many seconds.
    """
    with atomic.locked(run.path / ".lock", seconds, taken="another process trains this run"):
        if not run.begun:
            shutil.rmtree(run.path)  # the lock alone, made a moment ago


@contextmanager
def kept_until_done(run: Run) -> Iterator[None]:
    """Hold a run for this process; remove its folder once the body succeeds.

    When the body fails, the folder stays if there is a checkpoint in it, and the error says so.

    Raises:
        StoppedError: with the command that goes on, when the body was interrupted.
        StorageError: when another process trains this run.
        UsageError: when another process has just ended it.
    """
    done = False
    with _held(run):
        try:
            yield
            done = True
        except (StoppedError, KeyboardInterrupt, SystemExit) as stop:
            if not run.started:
                raise
            what = stop.what if isinstance(stop, StoppedError) else "stopped"
            raise StoppedError(what, remedy=f"go on with: {command(run)}") from stop
        except DivergedError as error:  # going on would end in the same step
            raise _keeping(error, run, f"the last good checkpoint is in {run.path}") from error
        except AtbError as error:
            raise _keeping(error, run, f"then go on with: {command(run)}") from error
        finally:
            if done or not run.started:
                shutil.rmtree(run.path)


@contextmanager
def _held(run: Run) -> Iterator[None]:
    """The run for this process alone.

    Raises:
        StorageError: when another process has it.
        UsageError: when another process ended it meanwhile.
    """
    with atomic.locked(run.path / ".lock", seconds=1.0, taken="another process trains this run"):
        if not run.begun:
            shutil.rmtree(run.path)  # the lock alone, made a moment ago
            raise UsageError(f"the training {run.name} has ended in another process")
        yield


def _keeping(error: AtbError, run: Run, kept: str) -> AtbError:
    """The error, with what is left of the run in its remedy."""
    if not run.started:
        return error
    remedy = "; ".join(part for part in (error.remedy, kept) if part)
    return type(error)(error.what, where=error.where, remedy=remedy)
