"""A cross-validation in its folder: a place for each fold, which is done once it is judged.

Knows where things lie, not how they come about.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atb.config.folds import FoldSpec
from atb.config.training import TrainingConfig
from atb.errors import IntegrityError
from atb.studies.study import Study

KIND = "cv"


def recipes_of(config: TrainingConfig, scheme: FoldSpec) -> dict[str, TrainingConfig]:
    """The recipe of each fold, by name: `fold-1` and so on, all of one length.

    Args:
        config: the recipe of the whole.
        scheme: how windows are cut into folds; its number is not read.
    """
    digits = len(str(scheme.count))
    return {
        f"fold-{number + 1:0{digits}}": _of_fold(config, scheme, number)
        for number in range(scheme.count)
    }


def _of_fold(config: TrainingConfig, scheme: FoldSpec, number: int) -> TrainingConfig:
    fold = scheme.model_copy(update={"number": number})
    dataset = config.dataset.model_copy(update={"fold": fold})
    return config.model_copy(update={"dataset": dataset})


@dataclass(frozen=True)
class Folded(Study):
    """A study whose members are the folds of one recipe."""

    @property
    def recipe(self) -> TrainingConfig:
        """That of the first fold."""
        return next(iter(self.members.values()))

    @property
    def scheme(self) -> FoldSpec:
        """How windows are cut into folds; the number is the first's.

        Raises:
            ValueError: when the members are no folds.
        """
        fold = self.recipe.dataset.fold
        if fold is None:
            raise ValueError(f"{self.name} has members that are no folds")
        return fold

    @property
    def predictions(self) -> Path:
        """The Parquet file of all out-of-fold predictions."""
        return self.path / "predictions.parquet"

    def checkpoints(self, member: str) -> Path:
        """Where a fold's training goes on from."""
        return self.place(member) / "checkpoints"

    def begun(self, member: str) -> bool:
        """Whether there is a checkpoint of a fold to go on from."""
        return any(self.checkpoints(member).glob("[0-9]*"))

    def predicted(self, member: str) -> Path:
        """The Parquet file of a fold's predictions for its test windows."""
        return self.place(member) / "predictions.parquet"

    def judged(self, member: str) -> Path:
        """The file that says how a fold was learned and how good it is; written last."""
        return self.place(member) / "fold.json"

    def figures(self, member: str) -> dict[str, Any]:
        """What that file says.

        Raises:
            IntegrityError: when it cannot be read.
        """
        path = self.judged(member)
        try:
            return dict(json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise IntegrityError(
                f"what the fold came to cannot be read ({error})",
                where=str(path),
                remedy="remove it, and the same command learns that fold again",
            ) from error

    def missing(self) -> list[str]:
        """Folds that are not judged."""
        return [member for member in self.members if not self.judged(member).is_file()]
