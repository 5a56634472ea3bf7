"""Symbols times presets, as a command line says them, as a plan with one step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from atb.config.plan import PlanSpec, TrainStep
from atb.errors import UsageError
from atb.plans.candle_files import find
from atb.plans.expand import expanded
from atb.plans.plan import Plan
from atb.presets import Recipe, resolve

NAME = "models"


def presets_of(text: str) -> list[str]:
    """Presets with commas between them.

    Raises:
        UsageError: when there is none, or one comes twice.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or len(set(names)) < len(names):
        what = f"{text!r} names a preset twice" if names else "no preset is named"
        raise UsageError(what, where="--preset", remedy="write each once, as fast,balanced")
    return names


def one(
    symbol: str,
    preset: str,
    assignments: Sequence[str] = (),
    *,
    candles: Path | None = None,
    **options: Any,
) -> Recipe:
    """The recipe of a single model; in a folder its candle file is found by its name.

    Raises:
        AtbError: as `presets.resolve` and `candle_files.find` do.
    """
    found = resolve(preset, symbol, assignments=assignments, candles=candles, **options)
    _require_no_book([found])
    data = found.config.data
    if candles is None or data.kind != "candles":
        return found
    path = find(candles, [(symbol, data.timeframe)])[symbol, data.timeframe]
    return resolve(preset, symbol, assignments=assignments, candles=path, **options)


def several(
    symbols: Sequence[str],
    names: Sequence[str],
    assignments: Sequence[str] = (),
    *,
    candles: Path | None = None,
    **options: Any,
) -> Plan:
    """A plan that trains each preset for each symbol.

    Args:
        symbols: markets.
        names: presets or preset files.
        assignments: dotted config fields on top of every recipe.
        candles: folder or pattern in which each symbol's file is found by its name.
        options: as in `presets.OPTION_FIELDS`, for every recipe.

    Raises:
        AtbError: as `expand.expanded` does.
    """
    file = next((symbol for symbol in symbols if Path(symbol).is_file()), None)
    if file is not None:
        raise UsageError(
            f"{file!r} is a file, not a symbol", remedy="put a pattern for --candles in quotes"
        )
    twice = next((symbol for symbol in symbols if symbols.count(symbol) > 1), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice", remedy="name each symbol once")
    spec = PlanSpec(
        description="Models side by side",
        symbols=tuple(symbols),
        recipes=tuple(names),
        candles=candles,
        steps={"train": TrainStep()},
    )
    plan = expanded(spec, NAME, lambda _: "", assignments, **options)
    _require_no_book([node.recipe for node in plan.nodes.values() if node.recipe])
    return plan


def _require_no_book(recipes: Iterable[Recipe]) -> None:
    for recipe in recipes:
        if recipe.config.data.kind == "book":
            raise UsageError(
                f"preset {recipe.config.name!r} learns from an order book",
                remedy=f"train it with: atb train lob PATH --suite {recipe.config.name}",
            )
