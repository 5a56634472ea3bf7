"""A plan spelt out from what a file or a command line says; whatever can be wrong with it is said.

Knows steps, recipes and the names of candle files; no row is read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atb.clock import DAY_MS, iso, now_ms
from atb.config.data import AnyData, BondData, CandleData
from atb.config.plan import (
    AnyStep,
    CompareStep,
    DataStep,
    FeaturesStep,
    PlanSpec,
    PromoteStep,
    TrainStep,
    TuneStep,
    WithRecipes,
)
from atb.config.search import parse
from atb.errors import AtbError, ConfigError, UsageError, nearest
from atb.market.bonds.load import require
from atb.plans import candle_files
from atb.plans.order import Place, in_order
from atb.plans.plan import Node, Plan
from atb.plans.recipes import of_plan
from atb.presets import Recipe, searched
from atb.registry import gate_file
from atb.workspace import check_symbol


@dataclass
class _Making:
    """A plan in the making: nodes by name, and by step the names of its nodes."""

    spec: PlanSpec
    place: Place
    recipes: Mapping[str, Recipe]
    paths: Mapping[candle_files.Asked, Path]
    until: str
    nodes: dict[str, Node] = field(default_factory=dict)
    of_step: dict[str, list[str]] = field(default_factory=dict)
    trained: dict[str, list[str]] = field(default_factory=dict)


def expanded(
    spec: PlanSpec,
    name: str,
    place: Place,
    assignments: Sequence[str] = (),
    **options: Any,
) -> Plan:
    """Every piece of work of a plan.

    Args:
        spec: what is to be done.
        name: of the plan.
        place: where a dotted key of the spec stands, for messages.
        assignments: dotted config fields on top of every recipe, and of the spec's.
        options: likewise, as in `presets.OPTION_FIELDS`.

    Raises:
        UsageError: for a symbol or field that cannot be meant, or candles that may be several.
        ConfigError: for steps that need each other, unknown names or what a step lacks.
        DataError: when a symbol has no candle file.
    """
    if not spec.symbols:
        raise UsageError("no symbol is named", where=place("symbols"), remedy="name one or more")
    for symbol in spec.symbols:
        check_symbol(symbol)
    order = in_order(spec, place)
    recipes = of_plan(spec, place, assignments, options)
    making = _Making(spec, place, recipes, _paths(spec, recipes), iso(now_ms() // DAY_MS * DAY_MS))
    for step in order:
        _add(making, step)
    nodes = _with_trials(making)
    return Plan(name, tuple(order), nodes)


def _paths(spec: PlanSpec, recipes: Mapping[str, Recipe]) -> dict[candle_files.Asked, Path]:
    """Each symbol's candle file, where a folder, a pattern or a file is given."""
    data = [recipe.config.data for recipe in recipes.values()] or [CandleData()]
    asked = [
        (symbol, one.timeframe)
        for symbol in spec.symbols
        for one in data
        if isinstance(one, CandleData)
    ]
    if spec.candles is None:
        return {}
    if not asked:
        raise UsageError(
            "candles are given, and no recipe learns from any",
            where=str(spec.candles),
            remedy="leave them out",
        )
    return candle_files.find(spec.candles, asked)


def _add(making: _Making, name: str) -> None:
    """The nodes of one step, for every symbol."""
    step = making.spec.steps[name]
    making.of_step[name] = []
    for symbol in making.spec.symbols:
        before = [one for needed in step.needs for one in making.of_step[needed]]
        before = [one for one in dict.fromkeys(before) if making.nodes[one].symbol == symbol]
        models = [one for needed in step.needs for one in _models(making, needed)]
        models = [one for one in dict.fromkeys(models) if making.nodes[one].symbol == symbol]
        for node in _nodes(making, name, step, symbol, models):
            needs = dict.fromkeys([*node.needs, *before])
            made = replace(node, needs=tuple(one for one in needs if one != node.name))
            _require_same(making.nodes.setdefault(node.name, made), made, making.place)
            making.of_step[name].append(node.name)


def _require_same(known: Node, made: Node, place: Place) -> None:
    """Refuse two pieces of work of one name, such as a recipe's training and a step named so."""
    if known.kind != made.kind or (made.kind == "train" and known.recipe != made.recipe):
        raise ConfigError(
            f"what {known.kind} and {made.kind} make would both be named {made.name}",
            where=place(f"steps.{made.step}"),
            remedy="give the step, or the recipe's file, another name",
        )


def _models(making: _Making, step: str) -> list[str]:
    """Names of the nodes that train, of a step and those before it."""
    if step not in making.trained:
        before = [one for name in making.spec.steps[step].needs for one in _models(making, name)]
        own = [one for one in making.of_step[step] if making.nodes[one].kind == "train"]
        making.trained[step] = list(dict.fromkeys([*before, *own]))
    return making.trained[step]


def _nodes(
    making: _Making, name: str, step: AnyStep, symbol: str, models: Sequence[str]
) -> Iterator[Node]:
    """What one step does for one symbol; needs are those of rows alone."""
    if isinstance(step, DataStep):
        recipes = list(making.recipes.values())
        specs = [recipe.config.data for recipe in recipes] or [CandleData()]
        for one in specs:
            yield making.nodes[_rows(making, symbol, one)]
    elif isinstance(step, WithRecipes):
        yield from _with_recipes(making, name, step, symbol)
    else:
        yield _over_models(making, name, step, symbol, models)


def _rows(making: _Making, symbol: str, given: AnyData) -> str:
    """The node that reads these rows; there is one for all who want the same."""
    data = _data(making, symbol, given)
    same = [one for one in making.nodes.values() if one.kind == "data" and one.symbol == symbol]
    found = next((one.name for one in same if one.data == data), None)
    if found is None:
        found = f"{symbol}-data" + (f"-{len(same) + 1}" if same else "")
        making.nodes[found] = Node(found, "data", "data", symbol, data)
    return found


def _data(making: _Making, symbol: str, given: AnyData) -> AnyData:
    """The rows of a symbol: from its own file; until midnight, UTC, where an exchange goes on.

    So the same plan on the same day is about the same rows. Bonds without yields are refused here.
    """
    if isinstance(given, BondData):
        require(symbol, given)
    if not isinstance(given, CandleData):
        return given
    path = making.paths.get((symbol, given.timeframe))
    if path is not None:
        return given.model_copy(update={"path": path})
    if given.path is None and given.end is None and given.source != "sample":
        return given.model_copy(update={"end": making.until})
    return given


def _with_recipes(making: _Making, name: str, step: WithRecipes, symbol: str) -> Iterator[Node]:
    """The nodes of a step that trains, tunes, or computes features."""
    names = step.recipes or making.spec.recipes
    if not names:
        raise ConfigError(
            f"step {name!r} names no recipe, and neither does the plan",
            where=making.place(f"steps.{name}"),
            remedy="add a line such as recipes: [fast]",
        )
    for key in names:
        base = making.recipes[key]
        rows = _rows(making, symbol, base.config.data)
        recipe = _for(base, symbol, making.nodes[rows].data)
        one = Node("", name, step.kind, symbol, recipe.config.data, recipe, {}, (rows,))
        if isinstance(step, TrainStep):
            yield from _trainings(making, one, recipe)
        elif isinstance(step, FeaturesStep):
            more = rows.removeprefix(f"{symbol}-data")
            yield replace(one, name=f"{symbol}-features-{recipe.config.features}{more}")
        elif isinstance(step, TuneStep):
            yield _tuning(making, one, step, recipe)


def _trainings(making: _Making, one: Node, recipe: Recipe) -> Iterator[Node]:
    """One training for each seed."""
    config = recipe.config
    seeds = making.spec.seeds or (config.training.seed,)
    for seed in seeds:
        more = f"-{seed}" if len(seeds) > 1 else ""
        yield replace(
            one,
            name=f"{one.symbol}-{config.name}{more}",
            recipe=replace(recipe, config=config.seeded(seed)),
        )


def _tuning(making: _Making, one: Node, step: TuneStep, recipe: Recipe) -> Node:
    place = making.place(f"steps.{one.step}")
    if step.search is not None:
        found = parse(step.search, lambda dotted: making.place(f"steps.{one.step}.{dotted}"))
        recipe = replace(recipe, preset=replace(recipe.preset, search=found))
    if not recipe.preset.search:
        raise ConfigError(
            f"preset {recipe.config.name} has no search block, and neither has step {one.step!r}",
            where=place,
            remedy="add a line such as search: {window: {choice: [30, 60]}}",
        )
    _require_searchable(recipe, place)
    name = f"{one.symbol}-{one.step}-{recipe.config.name}"
    return replace(one, name=name, recipe=recipe, settings={"trials": step.trials})


def _require_searchable(recipe: Recipe, place: str) -> None:
    """Refuse fields that are none of the recipe's, or values that they cannot have."""
    for name, dimension in recipe.preset.search.items():
        for value in dimension.corners():
            try:
                searched(recipe, {name: value})
            except AtbError as error:
                raise type(error)(error.what, where=place, remedy=error.remedy) from error


def _for(recipe: Recipe, symbol: str, data: AnyData) -> Recipe:
    """A recipe for a symbol and its rows."""
    config = recipe.config.model_copy(update={"symbol": symbol, "data": data})
    fields = {**recipe.fields, "data": data.model_dump(mode="json")}
    return replace(recipe, config=config, fields=fields)


def _over_models(
    making: _Making, name: str, step: AnyStep, symbol: str, models: Sequence[str]
) -> Node:
    """The node of a step that works on all models of a symbol."""
    place = making.place(f"steps.{name}.needs")
    fewest = 2 if isinstance(step, CompareStep) else 1
    if len(models) < fewest:
        raise ConfigError(
            f"step {name!r} needs {'two models' if fewest > 1 else 'models'} of {symbol}, "
            f"and the steps before it train {len(models) or 'none'}",
            where=place,
            remedy="name a step that trains in its needs",
        )
    trained = [making.nodes[one] for one in models]
    rows = dict.fromkeys(node.needs[0] for node in trained)
    if len(rows) > 1:
        raise ConfigError(
            f"step {name!r} has models of different rows of {symbol}: "
            f"{', '.join(making.nodes[one].data.said() for one in rows)}",
            where=place,
            remedy="make it two steps, or give all recipes the same data",
        )
    settings = step.model_dump(mode="json", exclude={"kind", "needs"})
    if isinstance(step, PromoteStep):
        _require_gates(step, making.place(f"steps.{name}.gates"))
    if isinstance(step, CompareStep):
        settings = {"against": _yardstick(making, name, step, trained)}
    needs = (next(iter(rows)), *models)
    data = trained[0].data
    label = f"{symbol}-{name}"
    return Node(label, name, step.kind, symbol, data, None, settings, needs, tuple(models))


def _require_gates(step: PromoteStep, place: str) -> None:
    try:
        gate_file.read(step.gates)
    except UsageError as error:
        raise ConfigError(error.what, where=place, remedy=error.remedy) from error


def _yardstick(making: _Making, name: str, step: CompareStep, trained: Sequence[Node]) -> str:
    """Name of the node whose model the others are compared with."""
    names = {node.recipe.config.name: node.name for node in reversed(trained) if node.recipe}
    if step.against is None:
        return trained[0].name
    if step.against not in names:
        raise ConfigError(
            f"step {name!r} compares with {step.against!r}, which is not trained before it",
            where=making.place(f"steps.{name}.against"),
            remedy=nearest(step.against, names),
        )
    return names[step.against]


def _with_trials(making: _Making) -> dict[str, Node]:
    """The nodes; what is promoted of several was chosen from so many, and must say so."""
    nodes = dict(making.nodes)
    for node in making.nodes.values():
        if isinstance(making.spec.steps.get(node.step), PromoteStep):
            for name in node.models:
                nodes[name] = _one_of(nodes[name], len(node.models))
    return nodes


def _one_of(node: Node, count: int) -> Node:
    if node.recipe is None:
        return node
    selection = node.recipe.config.selection
    chosen = selection.model_copy(update={"trials": max(selection.trials, count)})
    config = node.recipe.config.model_copy(update={"selection": chosen})
    return replace(node, recipe=replace(node.recipe, config=config))
