"""A study of tuning in its folder: a recipe, what is searched, and a journal of trials.

Knows where things lie and what each trial trains, not how it is trained or what it comes to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from atb import presets
from atb.config.folds import FoldSpec
from atb.config.search import Search, parse
from atb.config.spec import complaint
from atb.config.training import TrainingConfig
from atb.errors import ConfigError
from atb.studies.journal import Journal
from atb.studies.study import RESULTS, STUDY, Study

KIND = "tune"
UNPRUNED_EPOCHS, UNPRUNED_FOLDS = 4, 2


@dataclass(frozen=True)
class Tuning(Study):
    """A study of one recipe, its only member, with many values of some of its fields."""

    @property
    def config(self) -> TrainingConfig:
        """The recipe without what is searched."""
        (config,) = self.members.values()
        return config

    @property
    def trials(self) -> int:
        """How many recipes shall be tried."""
        return int(self.settings["trials"])

    @property
    def search(self) -> Search:
        """What is tried.

        Raises:
            ConfigError: when the study's file was changed.
        """
        return parse(dict(self.settings["search"]), lambda _: str(self.path / STUDY))

    @property
    def fold(self) -> FoldSpec | None:
        """The first fold each trial is measured on, all of them before the test part; or none."""
        return self.config.dataset.fold

    def journal(self) -> Journal:
        """Its trials.

        Raises:
            ResourceError: when Optuna is not installed.
        """
        unpruned = UNPRUNED_FOLDS if self.fold else UNPRUNED_EPOCHS
        return Journal(self.path, self.search, self.config.training.seed, unpruned)

    def recipe(self, values: Mapping[str, Any]) -> TrainingConfig:
        """What a trial trains.

        Raises:
            ConfigError: for values that do not go together.
        """
        fields = presets.varied(self.config.model_dump(mode="json"), values)
        try:
            return TrainingConfig.model_validate_json(json.dumps(fields))
        except ValidationError as error:
            raise ConfigError(complaint(error), where=presets.said(values)) from error

    def returns(self, number: int) -> Path:
        """What a trial earned in each step of windows it did not learn from, as NumPy keeps it."""
        return self.place(name_of(number)) / "returns.npy"

    def missing(self) -> list[str]:
        """Trials that are not over."""
        return [name_of(trial.number) for trial in self.journal().trials() if not trial.over]

    def finished(self) -> bool:
        """Whether the results are written, which is the last that is done."""
        return (self.path / RESULTS).is_file()


def name_of(number: int) -> str:
    """A trial's name, which its process has too.

    >>> name_of(7)
    'trial-7'
    """
    return f"trial-{number}"


def first_values(search: Search, config: TrainingConfig) -> dict[str, Any]:
    """The values that the recipe itself has, as far as they are among those to be tried."""
    plain = config.model_dump(mode="json")
    held = {name: dimension.held(_at(plain, name)) for name, dimension in search.items()}
    return {name: value for name, value in held.items() if value is not None}


def _at(fields: Any, dotted: str) -> Any:
    """A value of nested fields; None where an architecture or kind has no such field."""
    for part in dotted.split("."):
        fields = fields.get(part) if isinstance(fields, Mapping) else None
    return fields
