"""A study: recipes side by side on one history, in a folder that holds all they need.

The recipes and the history are written before anything slow begins; asking for the same on the same
history finds them again, unless that study is finished. What is done with them is not known here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from atb import atomic, runs
from atb.clock import now_ms, stamp
from atb.config.training import TrainingConfig, from_json
from atb.errors import IntegrityError
from atb.market import access
from atb.market.history import History
from atb.runs import Run
from atb.workspace import Workspace

STUDY, HISTORY, RESULTS = "study.json", "history.parquet", "results.json"

Recipes = Mapping[str, TrainingConfig]


@dataclass(frozen=True)
class Study:
    """A study in its folder.

    Attributes:
        kind: what is asked: suite, compare, cv, tune, ensemble.
        name: a time, the kind and a hash of history, recipes and settings; the versions of its
            models begin with it.
        path: its folder.
        members: recipes by name, on the history in the folder.
        settings: what else was asked for, JSON-ready.
    """

    kind: str
    name: str
    path: Path
    members: Recipes
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def workspace(self) -> Workspace:
        """Where its models lie."""
        return Workspace(self.path.parent.parent)

    @property
    def logs(self) -> Path:
        """What the processes of its members said before they failed."""
        return self.path / "logs"

    def history(self) -> History:
        """The rows in the folder.

        Raises:
            DataError: when they cannot be read.
        """
        first = next(iter(self.members.values()))
        return access.read_kept(self.path / HISTORY, first.symbol, first.data)

    def place(self, member: str) -> Path:
        """A member's own folder within the study."""
        return self.path / "members" / member

    def model(self, member: str) -> Path:
        """The folder of a member's model, once one is registered."""
        config = self.members[member]
        return self.workspace.models(config.symbol, config.name) / self.run(member).name

    def run(self, member: str) -> Run:
        """A member's training, while it is in progress."""
        version = f"{self.name}-{member}"
        return Run(version, self.workspace.runs / version)

    def held(self) -> AbstractContextManager[None]:
        """The study for this process alone.

        Raises:
            StorageError: when another process has it.
        """
        return atomic.locked(self.path / ".lock", seconds=1.0, taken="another process is at it")

    def end_registered(self) -> None:
        """Remove runs that were killed after their model was registered.

        Raises:
            StorageError: when another process trains one.
        """
        for member in self.members:
            if self.model(member).is_dir() and self.run(member).begun:
                runs.end(self.run(member))

    def missing(self) -> list[str]:
        """Members that are not done: here, those without a model."""
        return [member for member in self.members if not self.model(member).is_dir()]

    def finished(self) -> bool:
        """Whether no member is missing, and the results are written."""
        return not self.missing() and (self.path / RESULTS).is_file()

    @classmethod
    def taken_up(
        cls,
        kind: str,
        workspace: Workspace,
        recipes: Recipes,
        history: History,
        settings: Mapping[str, Any] | None = None,
    ) -> Self:
        """The study of this that is not finished, or a new one.

        Raises:
            StorageError: when the disk refuses.
            ConfigError: when another version of atb wrote the one that is not finished.
        """
        asked = (kind, workspace, recipes, history, settings or {})
        return cls.unfinished(*asked) or cls.begin(*asked)

    @classmethod
    def unfinished(
        cls,
        kind: str,
        workspace: Workspace,
        recipes: Recipes,
        history: History,
        settings: Mapping[str, Any],
    ) -> Self | None:
        """The newest study of this, unless it is finished.

        Raises:
            IntegrityError: when its recipes cannot be read, or are not those its name stands for.
            ConfigError: when another version of atb wrote it.
        """
        digest = _digest(recipes, history, settings)
        path = max(workspace.studies.glob(f"*-{kind}-{digest}/{STUDY}"), default=None)
        if path is None:
            return None
        found = cls.read(path.parent)
        asked = _at(path.parent, recipes, history), json.loads(json.dumps(dict(settings)))
        if (found.members, found.settings) != asked:
            raise _damaged("it does not hold what its folder's name stands for", path)
        return None if found.finished() else found

    @classmethod
    def read(cls, path: Path) -> Self:
        """The study in a folder.

        Raises:
            IntegrityError: when its recipes cannot be read.
            ConfigError: when another version of atb wrote it.
        """
        file = path / STUDY
        try:
            said = json.loads(file.read_text())
            kind, settings, recipes = said["kind"], said["settings"], dict(said["members"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise _damaged(f"the study cannot be read ({error})", file) from error
        members = {name: from_json(json.dumps(one), str(file)) for name, one in recipes.items()}
        here = {name: _on(path / HISTORY, one.symbol, one) for name, one in members.items()}
        return cls(kind, path.name, path, here, settings)

    @classmethod
    def begin(
        cls,
        kind: str,
        workspace: Workspace,
        recipes: Recipes,
        history: History,
        settings: Mapping[str, Any],
    ) -> Self:
        """A new study, its folder written whole.

        Raises:
            StorageError: when the disk refuses.
        """
        name = f"{stamp(now_ms())}-{kind}-{_digest(recipes, history, settings)}"
        path = workspace.studies / name
        members = _at(path, recipes, history)
        plain = {member: config.model_dump(mode="json") for member, config in members.items()}
        said = {"kind": kind, "settings": dict(settings), "members": plain}
        with atomic.locked(workspace.studies / ".lock"):
            atomic.remove_leftovers(workspace.studies)
            with atomic.folder(path) as folder:
                access.keep(history, folder / HISTORY)
                (folder / STUDY).write_text(json.dumps(said, indent=2) + "\n")
        return cls(kind, name, path, members, dict(settings))


def on_the_same_rows(recipes: Recipes) -> dict[str, TrainingConfig]:
    """The recipes, all with their first window at the same row.

    Whatever their windows and features look back on, they learn from the same rows and are judged
    on the same.
    """
    first = max(max(one.dataset.first_end, one.reach - 1) for one in recipes.values())
    return {
        name: one.model_copy(
            update={"dataset": one.dataset.model_copy(update={"first_end": first})}
        )
        for name, one in recipes.items()
    }


def _damaged(what: str, file: Path) -> IntegrityError:
    remedy = "remove its folder and ask for it again"
    return IntegrityError(what, where=str(file), remedy=remedy)


def _at(folder: Path, recipes: Recipes, history: History) -> dict[str, TrainingConfig]:
    """The recipes for a history kept in the folder of a study."""
    return {name: _on(folder / HISTORY, history.symbol, one) for name, one in recipes.items()}


def _on(path: Path, symbol: str, recipe: TrainingConfig) -> TrainingConfig:
    """The recipe for a history kept in a file."""
    return recipe.model_copy(update={"symbol": symbol, "data": recipe.data.of_file(path)})


def _digest(recipes: Recipes, history: History, settings: Mapping[str, Any]) -> str:
    """Equal for the same recipes and settings on the same history, wherever that lies."""
    digest = hashlib.sha256(history.sha256().encode())
    for member, recipe in recipes.items():
        digest.update(f"{member} {_on(Path(HISTORY), history.symbol, recipe).sha256()}".encode())
    digest.update(json.dumps(dict(settings), sort_keys=True).encode())
    return digest.hexdigest()[:8]
