"""A plan as people see it: what will be done before, how the models compare after.

Knows pieces of work and the keys of `atb.plans.summary` and `atb.plans.estimate`, and computes
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType

from atb.plans.plan import Plan
from atb_cli import sizes
from atb_cli.render import console, loudly, pairs, table, titled
from atb_cli.result_view import SYNTHETIC, figure

DONE = ("done", "was done")


def header(plan: Plan) -> None:
    """What will be done, on stderr."""
    trained = plan.of_kind("train")
    configs = [node.recipe.config for node in trained if node.recipe]
    names = dict.fromkeys(config.name for config in configs)
    ways = dict.fromkeys(config.trading.said(config.target.output) for config in configs)
    rows = plan.of_kind("data")
    symbols = list(dict.fromkeys(node.symbol for node in rows))
    lines = (
        ("plan", f"{plan.name}: {', '.join(plan.steps)}"),
        ("symbols", f"{len(symbols)}: {', '.join(symbols)}"),
        *((("recipes", ", ".join(names)),) if names else ()),
        ("jobs", f"{len(plan.nodes)}, {len(trained)} of them trainings"),
        *(
            ("rows" if n == 0 else "", f"{one.symbol}: {one.data.said()}")
            for n, one in enumerate(rows)
        ),
        *(("trading" if n == 0 else "", way) for n, way in enumerate(ways)),
    )
    console().print(pairs(lines))
    if any(node.data.source == "sample" for node in rows):
        loudly(SYNTHETIC)


def show(summary: Mapping[str, Any]) -> None:
    """How the models did, what was found of them, and where it lies, on stderr."""
    if summary["synthetic"]:
        loudly(SYNTHETIC)
    parts: list[RenderableType] = []
    if summary["models"]:
        parts += ["", titled("On test rows, each judged once", _models(summary["models"]))]
    for name, found in summary["results"].items():
        parts += ["", *_found(name, found)]
    console().print(Group(*parts, "", pairs(_ends(summary))))


def estimated(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What would be done, and what it may take."""
    columns = ("job", "step", "state", "time", "memory")
    rows = [
        (
            one["name"],
            one["step"],
            one["state"],
            _time(one["seconds"]),
            sizes.memory(one["memory"]) if one["memory"] else "-",
        )
        for one in found["jobs"]
    ]
    counts = found["states"]
    said = ", ".join(f"{count} {state}" for state, count in counts.items())
    yield titled(f"Plan {found['plan']}, nothing was begun", table(columns, rows))
    yield pairs(
        [
            ("jobs", said),
            ("time", _span(found)),
            ("memory", f"{sizes.memory(found['memory'])} side by side"),
        ]
    )


def _span(found: Mapping[str, Any]) -> str:
    """How long all of it may take, and of how much nobody knows."""
    unknown = found["unknown"]
    left = sum(one["state"] != "done" for one in found["jobs"])
    if unknown and unknown == left:
        return "not known: nothing of this was done here before"
    without = f", without {unknown} jobs that were never done here" if unknown else ""
    epochs = "with every epoch a network may take"
    return f"{_time(found['seconds'])} {epochs}, {found['at_once']} at once{without}"


def _time(seconds: float | None) -> str:
    return "-" if seconds is None else sizes.duration(seconds)


def _models(models: list[Mapping[str, Any]]) -> Any:
    columns = ("symbol", "recipe", "seed", "metric", "model", "naive", "backtest", "verdict")
    return table(columns, [_model(one) for one in models])


def _model(one: Mapping[str, Any]) -> tuple[Any, ...]:
    headline, traded = one["headline"], one["backtest"]
    earned = figure("total_return", traded["total_return"]) if "total_return" in traded else "-"
    return (
        one["symbol"],
        one["recipe"],
        one["seed"],
        headline["metric"],
        headline["value"],
        headline["naive"],
        earned,
        one["verdict"].split(":")[0],
    )


def _found(name: str, found: Mapping[str, Any]) -> Iterator[RenderableType]:
    """What one piece of work found of models."""
    if "sample" in found and "rows" in found:
        title = f"{name}: {found['rows']:,} test rows that all predicted, from {found['first']}"
        yield titled(title, _verdicts(found))
    elif "against" in found:
        rows = [
            (job, pair["metric"], pair["a"], pair["b"], WINNER[pair["better"]])
            for job, one in found["models"].items()
            for pair in one["metrics"][:1]
        ]
        columns = ("model", "metric", "its own", f"of {found['against']}", "better")
        yield titled(f"{name}: paired on shared test rows", table(columns, rows))
    elif "start" in found:
        yield titled(f"{name}: rows from {found['start']}", _verdicts(found))
    else:
        yield pairs([(name, line) for line in found.get("words", [str(found)])])


def _verdicts(found: Mapping[str, Any]) -> Any:
    rows = [(job, one["verdict"]) for job, one in found["models"].items()]
    return table(("model", "verdict"), rows)


WINNER = {"a": "it is", "b": "the other", None: "level"}


def _ends(summary: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    states = [one["state"] for one in summary["jobs"]]
    counted = {state: states.count(state) for state in dict.fromkeys(states)}
    yield "jobs", ", ".join(f"{count} {state}" for state, count in counted.items())
    for name, failure in summary["failures"].items():
        yield f"  {name}", failure["error"]
    for name, path in summary["outputs"].items():
        yield name, path
    yield "results", summary["path"]
