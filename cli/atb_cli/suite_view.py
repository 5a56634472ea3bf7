"""A suite as people see it: what will be trained before, how its members compare after.

Knows recipes and the keys of `atb.studies.suite_results`, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group
from rich.table import Table

from atb.config.training import TrainingConfig
from atb.studies.suite_recipes import NAMELESS
from atb_cli.render import console, loudly, pairs, table, titled

SYNTHETIC = "SYNTHETIC DATA: a simulator made this book; it says nothing about a market"


def header(recipes: Mapping[str, TrainingConfig]) -> None:
    """What will be trained, on stderr."""
    first = next(iter(recipes.values()))
    rows = (
        *([("symbol", first.symbol)] if first.symbol != NAMELESS else []),
        ("book", first.data.said()),
        ("models", ", ".join(recipes)),
        ("first window", f"ends at row {first.dataset.first_end:,} of each session, for all"),
    )
    console().print(pairs(rows))
    if first.data.source == "sample":
        loudly(SYNTHETIC)


def show(results: Mapping[str, Any]) -> None:
    """How the members compare and where the results lie, on stderr."""
    from atb.report import performance

    if not results["models"]:
        return
    columns = ("model", *(f"{horizon} rows ahead" for horizon in results["horizons"]))
    parts = [
        titled(f"{one['title']}, with 95 % intervals", table(columns, rows))
        for one in performance.tables(results)
        if (rows := [*one["models"], *one["baselines"]])
    ]
    parts.append(titled("Traded at the touch, and what training took", _effort(results)))
    lines = pairs(
        [
            ("book", performance.facts(results)),
            *(("", line) for line in results["words"]),
            ("results", results["path"]),
        ]
    )
    if results["book"]["synthetic"]:
        loudly(SYNTHETIC)
    console().print(Group(*(piece for part in parts for piece in ("", part)), "", lines))


def _effort(results: Mapping[str, Any]) -> Table:
    columns = ("model", "trades", "ticks per trade, net", "parameters", "epochs", "seconds")
    return table(columns, _efforts(results))


def _efforts(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    from atb.report.performance import ticks

    for name, model in results["models"].items():
        yield (
            name,
            f"{model['backtest']['trades']:,}",
            ticks(model["backtest"]),
            f"{model['parameters']:,}",
            str(model["epochs"]),
            f"{model['seconds']:.1f}",
        )
