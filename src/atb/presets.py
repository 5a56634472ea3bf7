"""Recipes by name: find a preset, read it strictly, override fields, say where each came from.

A preset is read alone: no inheritance, no environment. What the fields mean is known by the specs
in `atb.config`; here only that another architecture or kind brings settings of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from atb.config.markets import USUAL
from atb.config.refusals import alike, explain, field_of
from atb.config.search import Search, parse, require_comparable
from atb.config.training import TrainingConfig
from atb.errors import ConfigError, UsageError, nearest
from atb.strict_yaml import Document, assignment, load
from atb.workspace import check_symbol

# What the shell and the Python door call a field, and the field.
OPTION_FIELDS: Mapping[str, str] = {
    "timeframe": "data.timeframe",
    "start": "data.start",
    "end": "data.end",
    "source": "data.source",
    "candles": "data.path",
    "book": "data.path",
    "bonds": "data.path",
    "clock": "data.clock",
    "every": "data.every",
    "features": "features",
    "target": "target.kind",
    "horizon": "target.horizon",
    "sequence_length": "window",
    "model_type": "model.architecture",
    "epochs": "training.epochs",
    "batch_size": "training.batch",
    "learning_rate": "training.learning_rate",
    "patience": "training.patience",
    "seed": "training.seed",
    "precision": "training.hardware.precision",
    "devices": "training.hardware.devices",
    "warm_start": "warm_start",
}

KINDS = ("kind", "architecture")  # the field that says which spec it is


@dataclass(frozen=True)
class Preset:
    """A recipe as its file says it.

    Attributes:
        name: the file's name without suffix.
        path: the file.
        description: one line for people.
        fields: the recipe's fields, nested as in the file.
        lines: line number of each dotted key.
        search: the values that tuning may give to fields, by their dotted names.
    """

    name: str
    path: Path
    description: str
    fields: dict[str, Any]
    lines: Mapping[str, int]
    search: Search

    def place(self, dotted: str) -> str:
        """Where a key stands, for messages: the file, and the line if it has one."""
        line = self.lines.get(dotted)
        return f"{self.path}:{line}" if line else str(self.path)


@dataclass(frozen=True)
class Change:
    """One field set on top of a preset, and what set it, for example `--epochs`."""

    dotted: str
    value: Any
    origin: str


@dataclass(frozen=True)
class Recipe:
    """A valid configuration and how it came about.

    Attributes:
        config: the configuration.
        origins: for each dotted field, where its value came from.
        preset: the preset it began with.
        fields: what the preset and the changes on top of it say, nested; defaults are not there.
    """

    config: TrainingConfig
    origins: Mapping[str, str]
    preset: Preset
    fields: Mapping[str, Any]


def folder() -> Path:
    """Where the shipped presets lie: beside the installed package, or in the source checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_presets"
    return installed if installed.is_dir() else package.parents[1] / "presets"


def names() -> list[str]:
    """Names of the shipped presets."""
    return names_in(folder())


def names_in(shelf: Path) -> list[str]:
    """Names of the files in a folder of presets, gates or plans."""
    return sorted(path.stem for path in shelf.glob("*.yaml"))


def path_of(reference: str, shelf: Path, what: str, more: str = "") -> Path:
    """The file a person means: one of a folder by its name, or any by its path.

    Args:
        reference: a name, or a path that ends in .yaml or .yml.
        shelf: the folder.
        what: the files are, for people: `preset`.
        more: advice after the nearest name.

    Raises:
        UsageError: for an unknown name, or a file that is not there.
    """
    if reference.endswith((".yaml", ".yml")):
        path = Path(reference)
        if not path.is_file():
            raise UsageError(f"there is no {what} file {reference!r}", remedy="check the path")
        return path
    known = names_in(shelf)
    if reference not in known:
        raise UsageError(
            f"unknown {what} {reference!r}", remedy=f"{nearest(reference, known)}{more}"
        )
    return shelf / f"{reference}.yaml"


def read(preset: str) -> Preset:
    """Read a preset by name, or by path when it ends in .yaml or .yml.

    Raises:
        UsageError: for an unknown name.
        ConfigError: for a file that is no strict YAML or lacks a description.
    """
    path = path_of(preset, folder(), "preset", " (see: atb presets list)")
    return parsed(load(path), path)


def parsed(document: Document, path: Path) -> Preset:
    """The preset that a file says.

    Raises:
        ConfigError: when it lacks a description, or its search block is wrong.
    """
    fields = dict(document.content)
    description = fields.pop("description", None)
    if not isinstance(description, str):
        raise ConfigError(
            "has no description", where=str(path), remedy="begin it with: description: one line"
        )
    preset = Preset(path.stem, path, description, fields, document.lines, {})
    block = fields.pop("search", None)
    return preset if block is None else replace(preset, search=parse(block, preset.place))


def resolve(preset: str, symbol: str, *, assignments: Sequence[str] = (), **options: Any) -> Recipe:
    """The recipe of a preset for a symbol, with options and `field=value` assignments on top.

    Args:
        preset: a preset's name or file.
        symbol: the market, for example `BTCUSDT`.
        assignments: dotted config fields, for example `dataset.embargo=48`.
        options: values by the names in `OPTION_FIELDS`; None leaves the preset's.

    Raises:
        UsageError: for an unknown preset, option, field name on the command line or symbol, or two
            options for one field.
        ConfigError: for a field that is unknown or invalid, naming file, line and the nearest.
    """
    check_symbol(symbol)
    found = read(preset)
    of_market = list(_to_market(found, options))
    found = replace(found, search=_without(found.search, of_market))
    changes = [*of_market, *_of_options(options), *map(_of_assignment, assignments)]
    changes = _in_order(changes)
    fields, origins = _changed(found, changes)
    if "symbol" in fields:
        in_file = "symbol" in found.fields
        place = f"{found.path}:{found.lines['symbol']}" if in_file else "--set symbol"
        error = ConfigError if in_file else UsageError
        raise error("a recipe names no symbol", where=place, remedy="give it as an argument")
    try:
        config = _validated(fields, found, symbol)
    except ValidationError as refused:
        problem = refused.errors()[0]
        blamed = _blamed(problem, found, changes, symbol)
        raise explain(problem, found.place, blamed) from refused
    known = {dotted: origins.get(dotted, "default") for dotted, _ in flat(config)}
    return Recipe(config, known, found, fields)


def varied(fields: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested fields of a recipe with other values of dotted ones; whether they fit is not known."""
    changed: dict[str, Any] = _copy(fields)
    for change in _in_order(Change(*one, "search") for one in _spread(values)):
        _put(changed, change, {})
    return changed


def searched(recipe: Recipe, values: Mapping[str, Any]) -> TrainingConfig:
    """The configuration of a recipe with values of its preset's search block.

    Raises:
        ConfigError: for a field that is unknown or must not be searched, or a value it cannot have,
            naming the preset's file, the line of the search block and the nearest name.
    """
    place = recipe.preset.place(f"search.{next(iter(values))}" if len(values) == 1 else "search")
    try:
        config = _validated(varied(recipe.fields, values), recipe.preset, recipe.config.symbol)
    except UsageError as refused:
        raise ConfigError(refused.what, where=place, remedy=refused.remedy) from refused
    except ValidationError as refused:
        error = explain(refused.errors()[0], recipe.preset.place, place)
        together = f"with {said(values)}: " if len(values) > 1 else ""
        raise ConfigError(together + error.what, where=place, remedy=error.remedy) from refused
    for name, _ in _spread(values):
        require_comparable(name, place)
    return config


def said(values: Mapping[str, Any]) -> str:
    """Values of dotted fields, for people.

    >>> said({"window": 60, "model.units": (8, 4)})
    'window 60, model.units [8, 4]'
    """
    return ", ".join(f"{name} {json.dumps(value)}" for name, value in values.items())


def create_config_from_preset(preset: str, symbol: str, **options: Any) -> TrainingConfig:
    """The configuration of a preset for a symbol; options as in `OPTION_FIELDS`.

    >>> create_config_from_preset("balanced", "BTCUSDT", epochs=3).training.epochs
    3
    """
    return resolve(preset, symbol, **options).config


def flat(config: BaseModel, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of a config with its dotted name, depth first."""
    for name in type(config).model_fields:
        value = getattr(config, name)
        if isinstance(value, BaseModel):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _of_options(options: Mapping[str, Any]) -> Iterator[Change]:
    given: dict[str, str] = {}
    for option, value in options.items():
        if option not in OPTION_FIELDS:
            raise UsageError(f"unknown option {option!r}", remedy=nearest(option, OPTION_FIELDS))
        if value is None:
            continue
        field, said = OPTION_FIELDS[option], f"--{option.replace('_', '-')}"
        if field in given:
            raise UsageError(f"{given[field]} and {said} are given", remedy="leave out one of them")
        given[field] = said
        yield Change(field, value, said)


def _to_market(preset: Preset, options: Mapping[str, Any]) -> Iterator[Change]:
    """The usual features, target and trading of a market, for a preset that is of another one."""
    own = preset.fields.get("data")
    kind = own.get("kind") if isinstance(own, Mapping) else None
    for market, fields in USUAL.items():
        if options.get(market) is not None and kind != market:
            yield from (Change(name, value, f"--{market}") for name, value in fields.items())


def _without(search: Search, changes: Sequence[Change]) -> Search:
    """A search block without the fields that another market has values of its own for."""
    changed = {change.dotted for change in changes}
    return {name: dimension for name, dimension in search.items() if name not in changed}


def _of_assignment(text: str) -> Change:
    return Change(*assignment(text, "training.batch=32"), "--set")


def _in_order(changes: Iterable[Change]) -> list[Change]:
    """A new kind drops the settings of the old one, so those for the new one come after it."""
    return sorted(changes, key=lambda change: change.dotted.rpartition(".")[2] not in KINDS)


def _spread(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Dotted names and values; a mapping is of the fields below its name."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _spread({f"{name}.{part}": one for part, one in value.items()})
        else:
            yield name, value


def _changed(preset: Preset, changes: Sequence[Change]) -> tuple[dict[str, Any], dict[str, str]]:
    """The preset's fields with changes on top, and what set each of them."""
    fields = _copy(preset.fields)
    origins = dict.fromkeys(preset.lines, f"preset {preset.name}")
    for change in changes:
        _put(fields, change, origins)
    return fields, origins


def _copy(value: Any) -> Any:
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _put(fields: dict[str, Any], change: Change, origins: dict[str, str]) -> None:
    """Set one dotted field; a new kind of target or model drops the settings of the old one."""
    *path, last = change.dotted.split(".")
    block = fields
    for part in path:
        block = block.setdefault(part, {})
        if not isinstance(block, dict):
            raise UsageError(f"{change.dotted!r} is no field: {part!r} holds one value")
    if last in KINDS and block.get(last, change.value) != change.value:
        kept = {"horizon"} & block.keys()
        for name in block.keys() - kept:
            del block[name]
            origins.pop(".".join([*path, name]), None)
    block[last] = _copy(change.value)
    origins[change.dotted] = change.origin


def _validated(fields: Mapping[str, Any], preset: Preset, symbol: str) -> TrainingConfig:
    return TrainingConfig.model_validate({"name": preset.name, **fields, "symbol": symbol})


def _blamed(
    problem: Mapping[str, Any], preset: Preset, changes: Sequence[Change], symbol: str
) -> str:
    """The option without which there would be no such complaint; empty where it is the preset's."""
    for count in reversed(range(len(changes))):
        try:
            _validated(_changed(preset, changes[:count])[0], preset, symbol)
        except ValidationError as error:
            if any(alike(problem, other) for other in error.errors()):
                continue
        return changes[count].origin
    dotted = field_of(problem)
    return next((c.origin for c in reversed(changes) if c.dotted == dotted), "")
