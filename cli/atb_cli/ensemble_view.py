"""An ensemble as people see it: what will be trained before, how its members do beside it after.

Knows the recipe and the keys of a result, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group

from atb.config.features import width
from atb.config.training import TrainingConfig
from atb_cli import result_view
from atb_cli.render import console, loudly, pairs, table, titled

COLUMNS = {"loss": "loss", "accuracy": "accuracy", "macro_f1": "macro F1"}


def header(config: TrainingConfig) -> None:
    """What will be trained, on stderr."""
    data = config.data
    rows = (
        ("symbol", config.symbol),
        ("model", config.name),
        (data.kind, data.said()),
        ("features", f"{config.features} ({width(config.features)})"),
        ("target", result_view.said(config.target)),
        ("window", f"{config.window} {data.row}s"),
        ("members", ", ".join(member.name for member in config.ensemble.members)),
        ("joined by", result_view.said(config.ensemble.rule)),
        ("trainings", f"{len(config.parts())}, then the ensemble"),
    )
    console().print(pairs(rows))
    if data.source == "sample":
        loudly(result_view.SYNTHETIC)


def show(result: Mapping[str, Any]) -> None:
    """How good the ensemble is, and each member beside it, on stderr."""
    result_view.result(result)
    found = result["ensemble"]
    shown = [name for name in COLUMNS if name in found["ensemble"]]
    columns = ("validation", *(COLUMNS[name] for name in shown), "weight", "epochs", "parameters")
    title = f"Members on {found['rows']:,} validation rows, which they stopped training by"
    console().print(Group("", titled(title, table(columns, _rows(found, shown)))))


def _rows(found: Mapping[str, Any], shown: list[str]) -> Iterator[tuple[Any, ...]]:
    yield ("ensemble", *(_figure(found["ensemble"][name]) for name in shown), "", "", "")
    for member, one in found["members"].items():
        figures = (_figure(one[name]) for name in shown)
        weight, size = f"{one['weight']:.3f}", f"{one['parameters']:,}"
        yield (member, *figures, weight, one["epochs"], size)
    yield ("(no model)", *(_figure(found["naive"][name]) for name in shown), "", "", "")


def _figure(value: float) -> str:
    return f"{value:.5f}"
