"""Sets of gates by name: find a file of limits and read it strictly, as presets are read."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from atb import presets
from atb.config.gates import Limits
from atb.config.spec import complaint
from atb.errors import ConfigError, nearest
from atb.strict_yaml import load


def folder() -> Path:
    """Where the sets of gates that come with atb lie."""
    return presets.folder() / "gates"


def names() -> list[str]:
    """Names of the sets that come with atb."""
    return presets.names_in(folder())


def read(gates: str) -> Limits:
    """Read limits by name, or by path when it ends in .yaml or .yml.

    Raises:
        UsageError: for an unknown name, or a file that is not there.
        ConfigError: for a key that is unknown, missing or no limit, with file, line and remedy.
    """
    path = presets.path_of(gates, folder(), "gates")
    document = load(path)
    try:
        return Limits.model_validate(document.content)
    except ValidationError as error:
        # A misspelt key is also one that is missing; what was written says more.
        problem = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        key = str(problem["loc"][0])
        place = f"{path}:{document.lines[key]}" if key in document.lines else str(path)
        if problem["type"] == "extra_forbidden":
            remedy = nearest(key, Limits.model_fields)
            raise ConfigError(f"unknown key {key!r}", where=place, remedy=remedy) from error
        if problem["type"] == "missing":
            remedy = "write it down: a set of gates has no defaults"
            raise ConfigError(f"the key {key!r} is missing", where=place, remedy=remedy) from error
        shown = f"{complaint(error)} (got {problem['input']!r})"
        raise ConfigError(shown, where=place, remedy="correct that line") from error
