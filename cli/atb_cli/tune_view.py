"""A study of tuning as people see it: what is searched before, which trials were best after.

Knows recipes and the keys of `atb.studies.tune_results`, and computes nothing.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group

from atb.presets import Recipe
from atb_cli.render import console, loudly, pairs, table, titled
from atb_cli.result_view import SYNTHETIC

SHOWN = 10  # trials in the table; the results' file has all
ROWS = ("path", "source", "start", "end")  # what says where rows lie


def header(recipe: Recipe, trials: int) -> None:
    """What will be tried, on stderr."""
    config = recipe.config
    rows = (
        ("symbol", config.symbol),
        ("data", config.data.said()),
        ("preset", f"{config.name}, {trials} trials"),
        *((name, one.said) for name, one in recipe.preset.search.items()),
    )
    console().print(pairs(rows))


def show(results: Mapping[str, Any], recipe: Recipe) -> None:
    """The best trials and what they come to, on stderr."""
    best = results["ranking"][:SHOWN]
    columns = ("trial", "", "loss", "epochs", "Sharpe per step", *results["search"])
    counts = dict(results["trials"])
    asked = counts.pop("asked")
    ended = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    lines = pairs(
        [
            *(("", line) for line in results["words"]),
            ("preset", results["output"]),
            ("test it", shlex.join(_training(results, recipe))),
        ]
    )
    if results["synthetic"]:
        loudly(SYNTHETIC)
    naive = ("constant", "", results["naive"], None, None, *(None for _ in results["search"]))
    rows = [*(_row(trial, results["search"]) for trial in best), _cells(naive)]
    title = f"{results['objective']}: the best of {asked} trials ({ended})"
    console().print(Group("", titled(title, table(columns, rows)), "", lines))


def _training(results: Mapping[str, Any], recipe: Recipe) -> Iterator[str]:
    """The words that train the new preset, which does not say where its rows lie."""
    yield from ("atb", "train", "model", results["symbol"], "--preset", results["output"])
    data = recipe.config.data
    given = data.model_dump(mode="json", exclude_defaults=True)
    for field in ROWS:
        if field in given:
            yield from (f"--{data.kind if field == 'path' else field}", given[field])


def _row(trial: Mapping[str, Any], searched: Mapping[str, Any]) -> tuple[str | None, ...]:
    values = (_said(trial["values"].get(name)) for name in searched)
    state = "" if trial["state"] == "complete" else trial["state"]
    return _cells((trial["trial"], state, trial["loss"], trial["epochs"], trial["sharpe"], *values))


def _cells(values: tuple[Any, ...]) -> tuple[str | None, ...]:
    """Losses are told apart by six decimals."""
    return tuple(f"{one:.6f}" if isinstance(one, float) else one for one in values)


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {json.dumps(one)}" for name, one in value.items())
    return value if isinstance(value, str) else json.dumps(value)
