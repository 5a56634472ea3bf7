"""Trains the members of a suite side by side and compares what came of them.

A suite that was stopped or killed, or of which a member failed, goes on when the same is asked for
again. How one model is trained is not known here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from atb import atomic
from atb.config.book_architectures import Linear
from atb.config.data import BookData
from atb.config.training import TrainingConfig
from atb.errors import AtbError
from atb.events import Listener, Noted, Stopwatch, silent
from atb.extras import require_installed
from atb.fleet.job import Job
from atb.market.lob import clock
from atb.market.lob.book import Book
from atb.market.lob.load import load_book
from atb.pipeline import require_enough, require_whole
from atb.report import performance
from atb.studies import jobs, side_by_side, suite_results
from atb.studies.study import RESULTS, Recipes
from atb.studies.suite import KIND, Suite
from atb.workspace import Workspace

Failures = dict[str, AtbError]


def train(
    recipes: Recipes,
    *,
    symbol: str | None = None,
    artifacts: Path | str = "artifacts",
    at_once: int | None = None,
    listen: Listener = silent,
) -> tuple[dict[str, Any], Failures]:
    """Train every member, or what is left of a suite begun earlier, and compare them.

    Args:
        recipes: by preset, as `suite_recipes.recipes` makes them.
        symbol: the market; None for what the book says.
        artifacts: root folder of everything written.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        listen: told of what happens, in each of them too.

    Returns:
        The results as `atb.studies.suite_results` describes them, and why members failed.

    Raises:
        StoppedError: when a signal stopped it; the same call goes on.
        AtbError: when nothing can be begun; nothing is written then.
    """
    require_installed("train")
    for recipe in recipes.values():
        require_whole(recipe)
    workspace = Workspace(Path(artifacts))
    workspace.require_writable()
    with Stopwatch(listen).stage("data"):
        book = _book(recipes, symbol, workspace, listen)
        found = Suite.taken_up(KIND, workspace, recipes, book)
    with found.held():
        _say_where_it_stands(found, listen)
        failures = _train(found, at_once, listen)
        made = suite_results.of(found, failures)
        if made["models"]:
            performance.write(made, found.path)
        atomic.write_json(found.path / RESULTS, made)  # last: with it the suite is finished
    return made, failures


def _book(recipes: Recipes, symbol: str | None, workspace: Workspace, listen: Listener) -> Book:
    """The book with every event, checked, and long enough for every member."""
    specs = [_data(recipe) for recipe in recipes.values()]
    whole = {"clock": "event", "every": 1.0, "levels": max(spec.levels for spec in specs)}
    book = load_book(symbol, specs[0].model_copy(update=whole), workspace, listen)
    for spec, recipe in zip(specs, recipes.values(), strict=True):
        if spec.clock == "volume" and not book.traded.any():
            raise clock.never_ticks(book.symbol)
        rows = len(clock.sampled(book, spec.clock, spec.every))
        require_enough(recipe, rows, book.source)
    return book


def _data(recipe: TrainingConfig) -> BookData:
    if not isinstance(recipe.data, BookData):
        raise ValueError(f"{recipe.name} is for {recipe.data.kind}, not for a book")
    return recipe.data


def _say_where_it_stands(found: Suite, listen: Listener) -> None:
    missing = found.missing()
    begun = [member for member in missing if found.run(member).begun]
    if len(missing) == len(found.members) and not begun:
        listen(Noted(f"suite {found.name}: {', '.join(found.members)}"))
        return
    parts = {
        "done": [member for member in found.members if member not in missing],
        "goes on": begun,
        "to train": [member for member in missing if member not in begun],
    }
    said = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)
    listen(Noted(f"suite {found.name} goes on where it stopped; {said}"))


def _train(found: Suite, at_once: int | None, listen: Listener) -> Failures:
    """Train the members that have no model; why some of them failed."""
    missing = found.missing()
    found.end_registered()
    asked = dict(_jobs(found, missing))
    failed = side_by_side.carry_out(found, list(asked.values()), at_once, listen)
    return {
        member: failed[job.name]
        for members, job in asked.items()
        for member in members
        if job.name in failed and member in found.missing()
    }


def _jobs(found: Suite, missing: Sequence[str]) -> Iterator[tuple[tuple[str, ...], Job]]:
    """A job for the straight lines that go together, and one for each network, by members."""
    alike: dict[str, list[str]] = {}
    for line in (name for name in found.lines if name in missing):
        recipe = found.members[line].model_copy(update={"name": "line", "model": Linear()})
        alike.setdefault(recipe.sha256(), []).append(line)
    for lines in alike.values():
        arguments = {"suite": found, "members": lines}
        yield tuple(lines), Job("+".join(lines), jobs.train_lines, arguments)
    for name in missing:
        if name not in found.lines:
            arguments = {"study": found, "member": name}
            yield (name,), Job(name, jobs.train_member, arguments)
