"""A comparison of presets as people see it: what will be trained before, how they compare after.

Knows recipes and the keys of `atb.studies.comparison`, and computes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group

from atb.config.training import TrainingConfig
from atb_cli.render import console, loudly, pairs, table, titled
from atb_cli.result_view import SYNTHETIC

# Title of a metric, its factor and its digits.
TITLES: Mapping[str, tuple[str, float, int]] = {
    "rmse": ("RMSE, basis points", 1e4, 3),
    "price_mape": ("MAPE, %", 100, 4),
    "macro_f1": ("macro F1", 1, 3),
    "accuracy": ("accuracy, %", 100, 2),
    "log_loss": ("log loss", 1, 4),
    "log_rmse": ("RMSE, log volatility", 1, 4),
}


def header(members: Mapping[str, TrainingConfig], seeds: int) -> None:
    """What will be trained, on stderr."""
    first = next(iter(members.values()))
    names = dict.fromkeys(recipe.name for recipe in members.values())
    rows = (
        ("symbol", first.symbol),
        (first.data.kind, first.data.said()),
        ("presets", ", ".join(names)),
        ("seeds", f"{seeds} each, {len(members)} trainings"),
        ("first window", f"ends at bar {first.dataset.first_end:,} of each run of bars, for all"),
    )
    console().print(pairs(rows))
    if first.data.source == "sample":
        loudly(SYNTHETIC)


def show(results: Mapping[str, Any]) -> None:
    """How the presets compare and where the results lie, on stderr."""
    if not results["presets"]:
        return
    if results["data"]["synthetic"]:
        loudly(SYNTHETIC)
    yardstick = results["yardstick"]
    speed = ("preset", "seconds", f"x {yardstick}", "epochs", "parameters", "validation loss")
    metrics = list(next(iter(results["presets"].values()))["metrics"])
    quality = ("preset", *(TITLES[name][0] for name in metrics))
    money = ("preset", f"{_deciding(results)} against {yardstick}", "Sharpe, net of costs")
    parts = (
        titled("Training, mean over seeds", table(speed, _speed(results))),
        titled("Test rows, mean over seeds, 95 % intervals", table(quality, _quality(results))),
        titled(f"Quality against {yardstick}, paired", table(money, _money(results))),
        pairs([*(("", line) for line in results["words"]), ("results", results["path"])]),
    )
    console().print(Group(*(piece for part in parts for piece in ("", part))))


def _deciding(results: Mapping[str, Any]) -> str:
    return TITLES[results["deciding"]][0].split(",")[0]


def _speed(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, one in results["presets"].items():
        yield (
            name,
            f"{one['seconds']:.1f}",
            f"{one['times_as_fast']:.2f}",
            f"{one['epochs']:.1f}",
            f"{one['parameters']:,.0f}",
            f"{one['validation_loss']:.4f}",
        )


def _quality(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, one in results["presets"].items():
        yield (name, *(_bounded(*TITLES[key][1:], of) for key, of in one["metrics"].items()))
    for name, known in results["naive"].items():
        shown = next(iter(results["presets"].values()))["metrics"]
        figures = [
            f"{TITLES[key][1] * known[key]:.{TITLES[key][2]}f}" if key in known else ""
            for key in shown
        ]
        if any(figures):
            yield (f"({name.replace('_', ' ')})", *figures)


def _bounded(factor: float, digits: int, figure: Mapping[str, float]) -> str:
    value, low, high = (factor * figure[key] for key in ("value", "low", "high"))
    return f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _money(results: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, one in results["presets"].items():
        against = one["against"]
        worse = f"{against['percent_worse']:+.2f} % [{against['low']:+.2f}, {against['high']:+.2f}]"
        own = name == results["yardstick"]
        yield name, "-" if own else worse, _bounded(1, 2, one["sharpe"])
    rival = results["rival"]
    if rival["sharpe"] is not None:
        yield f"({rival['name'].replace('_', ' ')})", "", f"{rival['sharpe']:.2f}"
