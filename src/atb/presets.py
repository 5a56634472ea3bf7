"""Recipes by name: find a preset, read it strictly, override fields, say where each came from.

A preset is read alone: no inheritance, no environment. What the fields mean is known by the specs
in `atb.config`; here only that another architecture or kind brings settings of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from atb.config.architectures import ARCHITECTURES
from atb.config.optimisation import OPTIMIZERS, SCHEDULES
from atb.config.spec import Spec
from atb.config.targets import TARGETS
from atb.config.training import TrainingConfig
from atb.errors import AtbError, ConfigError, UsageError, nearest
from atb.strict_yaml import load, scalar
from atb.workspace import check_symbol

# What the shell and the Python door call a field, and the field.
OPTION_FIELDS: Mapping[str, str] = {
    "timeframe": "data.timeframe",
    "start": "data.start",
    "end": "data.end",
    "source": "data.source",
    "candles": "data.path",
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

# Specs told apart by a tag, by that tag.
_TAGGED: Mapping[str, type[Spec]] = {**TARGETS, **ARCHITECTURES, **OPTIMIZERS, **SCHEDULES}


@dataclass(frozen=True)
class Preset:
    """A recipe as its file says it.

    Attributes:
        name: the file's name without suffix.
        path: the file.
        description: one line for people.
        fields: the recipe's fields, nested as in the file.
        lines: line number of each dotted key.
    """

    name: str
    path: Path
    description: str
    fields: dict[str, Any]
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Recipe:
    """A valid configuration and, for each dotted field, where its value came from."""

    config: TrainingConfig
    origins: Mapping[str, str]


def folder() -> Path:
    """Where the shipped presets lie: beside the installed package, or in the source checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "_presets"
    return installed if installed.is_dir() else package.parents[1] / "presets"


def names() -> list[str]:
    """Names of the shipped presets."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def read(preset: str) -> Preset:
    """Read a preset by name, or by path when it ends in .yaml or .yml.

    Raises:
        UsageError: for an unknown name.
        ConfigError: for a file that is no strict YAML or lacks a description.
    """
    if preset.endswith((".yaml", ".yml")):
        path = Path(preset)
        if not path.is_file():
            raise UsageError(f"there is no preset file {preset!r}", remedy="check the path")
    elif preset in names():
        path = folder() / f"{preset}.yaml"
    else:
        raise UsageError(
            f"unknown preset {preset!r}",
            remedy=f"{nearest(preset, names())} (see: atb presets list)",
        )
    document = load(path)
    fields = dict(document.content)
    description = fields.pop("description", None)
    if not isinstance(description, str):
        raise ConfigError(
            "has no description", where=str(path), remedy="begin it with: description: one line"
        )
    return Preset(path.stem, path, description, fields, document.lines)


def resolve(preset: str, symbol: str, *, assignments: Sequence[str] = (), **options: Any) -> Recipe:
    """The recipe of a preset for a symbol, with options and `field=value` assignments on top.

    Args:
        preset: a preset's name or file.
        symbol: the market, for example `BTCUSDT`.
        assignments: dotted config fields, for example `dataset.embargo=48`.
        options: values by the names in `OPTION_FIELDS`; None leaves the preset's.

    Raises:
        UsageError: for an unknown preset, option, field name on the command line or symbol.
        ConfigError: for a field that is unknown or invalid, naming file, line and the nearest.
    """
    check_symbol(symbol)
    found = read(preset)
    fields, origins = _copy(found.fields), {}
    for dotted in found.lines:
        origins[dotted] = f"preset {found.name}"
    for option, value in options.items():
        if option not in OPTION_FIELDS:
            raise UsageError(f"unknown option {option!r}", remedy=nearest(option, OPTION_FIELDS))
        if value is not None:
            _put(fields, OPTION_FIELDS[option], value, origins, f"--{option.replace('_', '-')}")
    for assignment in assignments:
        dotted, separator, text = assignment.partition("=")
        if not separator or not dotted:
            raise UsageError(
                f"{assignment!r} is no assignment", remedy="write it as training.batch=32"
            )
        _put(fields, dotted.strip(), _value(assignment, text), origins, "--set")
    if "symbol" in fields:
        at_fault = origins["symbol"].startswith("--")
        place = "--set symbol" if at_fault else f"{found.path}:{found.lines['symbol']}"
        kind = UsageError if at_fault else ConfigError
        raise kind("a recipe names no symbol", where=place, remedy="give it as an argument")
    config = _validate({"name": found.name, **fields, "symbol": symbol}, found, origins)
    return Recipe(config, {dotted: origins.get(dotted, "default") for dotted, _ in flat(config)})


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


def _copy(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {k: _copy(v) if isinstance(v, Mapping) else v for k, v in fields.items()}


def _put(
    fields: dict[str, Any], dotted: str, value: Any, origins: dict[str, str], origin: str
) -> None:
    """Set one dotted field; a new kind of target or model drops the settings of the old one."""
    *path, last = dotted.split(".")
    block = fields
    for part in path:
        block = block.setdefault(part, {})
        if not isinstance(block, dict):
            raise UsageError(f"{dotted!r} is no field: {part!r} holds one value")
    if last in ("architecture", "kind") and block.get(last, value) != value:
        kept = {"horizon"} & block.keys()
        for name in block.keys() - kept:
            del block[name]
            origins.pop(".".join([*path, name]), None)
    block[last] = value
    origins[dotted] = origin


def _value(assignment: str, text: str) -> Any:
    try:
        return scalar(text)
    except ConfigError as error:
        raise UsageError(error.what, where=f"--set {assignment}", remedy="quote it") from error


def _validate(
    fields: Mapping[str, Any], preset: Preset, origins: Mapping[str, str]
) -> TrainingConfig:
    try:
        return TrainingConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise _explain(first, preset, origins) from error


def _explain(problem: Mapping[str, Any], preset: Preset, origins: Mapping[str, str]) -> AtbError:
    """One pydantic complaint as file, line, key and remedy."""
    keys = [str(part) for part in problem["loc"]]
    if problem["type"] == "union_tag_invalid":
        keys.append(problem["ctx"]["discriminator"].strip("'"))
    # pydantic puts a union's tag between the names
    dotted = ".".join(key for i, key in enumerate(keys) if not (i and key in _TAGGED))
    given = (o for key, o in origins.items() if key == dotted or key.startswith(f"{dotted}."))
    origin = next((o for o in given if o.startswith("--")), "")
    from_shell = bool(origin)
    line = preset.lines.get(dotted)
    where = origin if from_shell else f"{preset.path}:{line}" if line else str(preset.path)
    if problem["type"] == "extra_forbidden":
        kind: type[AtbError] = UsageError if from_shell else ConfigError
        known = _siblings(keys)
        return kind(f"unknown key {dotted!r}", where=where, remedy=nearest(keys[-1], known))
    message = str(problem["msg"]).removeprefix("Value error, ")
    value = problem["ctx"]["tag"] if "tag" in problem.get("ctx", {}) else problem.get("input")
    shown = f" (got {value!r})" if isinstance(value, str | int | float | bool) else ""
    kind = UsageError if from_shell else ConfigError
    return kind(f"{dotted}: {message}{shown}", where=where, remedy="see: atb presets show")


def _siblings(keys: Sequence[str]) -> set[str]:
    """Names that could have stood where an unknown key stands, at the end of these."""
    spec: Any = TrainingConfig
    for key in keys[:-1]:
        spec = _TAGGED[key] if key in _TAGGED else spec.model_fields[key].annotation
    return set(spec.model_fields)
