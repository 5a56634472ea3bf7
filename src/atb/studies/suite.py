"""A suite: presets side by side on one order book, in a folder that holds all they need.

The recipes and the book are written before anything slow begins; asking for the same on the same
book finds them again. What is done with them is not known here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from atb import atomic
from atb.clock import now_ms, stamp
from atb.config.book_architectures import Linear
from atb.config.targets import MidPriceTarget
from atb.config.training import TrainingConfig, from_json
from atb.market.lob import files
from atb.market.lob.book import Book
from atb.runs import Run
from atb.workspace import Workspace

SUITE, BOOK, RESULTS = "suite.json", "book.parquet", "results.json"

Recipes = Mapping[str, TrainingConfig]


@dataclass(frozen=True)
class Suite:
    """A suite in its folder.

    Attributes:
        name: a time and a hash of book and recipes; the versions of its models begin with it.
        path: its folder.
        members: recipes by preset, on the book in the folder.
    """

    name: str
    path: Path
    members: Recipes

    @property
    def workspace(self) -> Workspace:
        """Where its models lie."""
        return Workspace(self.path.parent.parent)

    @property
    def logs(self) -> Path:
        """What the processes of its members said before they failed."""
        return self.path / "logs"

    @property
    def lines(self) -> list[str]:
        """Members that are straight lines."""
        return [name for name, recipe in self.members.items() if isinstance(recipe.model, Linear)]

    @property
    def target(self) -> MidPriceTarget:
        """The classes that networks decide between, and lines are judged by too."""
        targets = (recipe.target for recipe in self.members.values())
        return next((one for one in targets if isinstance(one, MidPriceTarget)), MidPriceTarget())

    def model(self, member: str) -> Path:
        """The folder of a member's model, once there is one."""
        config = self.members[member]
        return self.workspace.models(config.symbol, config.name) / self.run(member).name

    def run(self, member: str) -> Run:
        """A member's training, while it is in progress."""
        version = f"{self.name}-{member}"
        return Run(version, self.workspace.runs / version)

    def decisions(self, line: str) -> Path:
        """The file with the verdicts on a line's decisions, once it is judged."""
        return self.path / "decisions" / f"{line}.json"

    def missing(self) -> list[str]:
        """Members without a model, and lines that are not judged by classes yet."""
        lines = self.lines
        return [
            member
            for member in self.members
            if not self.model(member).is_dir()
            or (member in lines and not self.decisions(member).is_file())
        ]

    def finished(self) -> bool:
        """Whether no member is without a model, and the results are written."""
        return not self.missing() and (self.path / RESULTS).is_file()


def unfinished(workspace: Workspace, recipes: Recipes, book: Book) -> Suite | None:
    """The newest suite of these recipes on this book, unless it is finished.

    Raises:
        ConfigError: when another version of atb wrote it.
    """
    alike = workspace.suites.glob(f"*-{_digest(recipes, book)}/{SUITE}")
    path = max(alike, default=None)
    if path is None:
        return None
    members = {
        name: _on(book, path.parent / BOOK, from_json(json.dumps(fields), str(path)))
        for name, fields in json.loads(path.read_text()).items()
    }
    suite = Suite(path.parent.name, path.parent, members)
    return None if suite.finished() else suite


def begin(workspace: Workspace, recipes: Recipes, book: Book) -> Suite:
    """A new suite, its folder written whole.

    Raises:
        StorageError: when the disk refuses.
    """
    name = f"{stamp(now_ms())}-{_digest(recipes, book)}"
    path = workspace.suites / name
    members = {member: _on(book, path / BOOK, recipe) for member, recipe in recipes.items()}
    with atomic.locked(workspace.suites / ".lock"):
        atomic.remove_leftovers(workspace.suites)
        with atomic.folder(path) as folder:
            files.write(book, folder / BOOK)
            plain = {member: config.model_dump(mode="json") for member, config in members.items()}
            (folder / SUITE).write_text(json.dumps(plain, indent=2) + "\n")
    return Suite(name, path, members)


def _on(book: Book, path: Path, recipe: TrainingConfig) -> TrainingConfig:
    """The recipe for a book kept in a file."""
    return recipe.model_copy(update={"symbol": book.symbol, "data": recipe.data.of_file(path)})


def _digest(recipes: Recipes, book: Book) -> str:
    """Equal for the same recipes on the same book, wherever that lies."""
    digest = hashlib.sha256(book.sha256().encode())
    for member, recipe in recipes.items():
        digest.update(f"{member} {_on(book, Path(BOOK), recipe).sha256()}".encode())
    return digest.hexdigest()[:8]
