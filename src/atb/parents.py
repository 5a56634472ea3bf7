"""The model that another one begins with: whether it fits, and what it has learned from.

Reads configurations and metadata, no weights, so that what does not fit is refused at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from atb.clock import iso, parse_time
from atb.config.features import width
from atb.config.spec import Spec
from atb.config.training import TrainingConfig, from_json
from atb.errors import ConfigError
from atb.presets import KINDS
from atb.registry import document, integrity, store
from atb.registry.version import Version
from atb.workspace import Workspace

# Fields of a network that have no part in its weights.
WEIGHTLESS = frozenset({"dropout", "recurrent_dropout"})


@dataclass(frozen=True)
class Parent:
    """A registered model whose weights a training begins with.

    Attributes:
        version: its folder.
        learned_until: ms UTC; close of the last bar that it, or a model it began with, learned
            from.
        synthetic: whether it, or a model it began with, learned from simulated rows.
    """

    version: Version
    learned_until: int
    synthetic: bool

    def to_json(self) -> dict[str, Any]:
        """Where the weights came from, for a model's metadata."""
        return {
            "version": self.version.reference,
            "learned_until": iso(self.learned_until),
            "synthetic": self.synthetic,
        }


def find(workspace: Workspace, reference: str, config: TrainingConfig) -> Parent:
    """The model a person means, if a training by this recipe can begin with it.

    Raises:
        UsageError: when there is no such model.
        IntegrityError: when its files are not what its manifest says.
        ConfigError: when it expects something else than the recipe gives, naming both.
    """
    version = store.find(workspace, reference)
    integrity.verify(version.path)
    theirs = from_json((version.path / "config.json").read_text(), str(version.path))
    for complaint in _differences(theirs, config):
        raise ConfigError(complaint, where=f"--from {reference}", remedy="train with its recipe")
    metadata = document.read(version.path / "metadata.json")
    grandparent = metadata["warm_start"]
    inherited = grandparent is not None and grandparent.get("synthetic", True)  # unsaid counts
    synthetic = metadata["synthetic"] or inherited
    return Parent(version, parse_time(metadata["learned_until"]), synthetic)


def _differences(theirs: TrainingConfig, ours: TrainingConfig) -> Iterator[str]:
    expected, given = width(theirs.features), width(ours.features)
    if expected != given:
        yield f"the model expects {expected} features, the data gives {given}"
    for expects, one, other in (
        ("features {}", theirs.features, ours.features),
        ("windows of {} rows", theirs.window, ours.window),
        ("rows of {}", _row(theirs), _row(ours)),
        ("features scaled by {}", theirs.dataset.scaler, ours.dataset.scaler),
    ):
        if one != other:
            yield f"the model expects {expects.format(one)}, the data gives {other}"
    for name, one, other in (
        *_fields(theirs.model, ours.model),
        *_fields(theirs.target, ours.target),
    ):
        yield f"the model has {name} {one}, the recipe asks for {other}"


def _row(config: TrainingConfig) -> str:
    return ", ".join(f"{name} {fact}" for name, fact in config.data.facts().items())


def _fields(theirs: Spec, ours: Spec) -> Iterator[tuple[str, Any, Any]]:
    """Each setting in which two specs differ, with both values."""
    one, other = theirs.model_dump(mode="json"), ours.model_dump(mode="json")
    for name in dict.fromkeys((*KINDS, *one, *other)):
        if one.get(name) != other.get(name) and name not in WEIGHTLESS:
            yield name, one.get(name), other.get(name)
