"""Training that begins with the weights of a registered model.

A model may only be carried on by one that asks the same of its candles, and must not have learned
from bars that the new one is tested on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras

from atb.clock import iso, parse_time
from atb.config.features import SETS
from atb.config.training import TrainingConfig, from_json
from atb.dataset.build import Dataset
from atb.errors import ConfigError, DataError
from atb.export import rewrite
from atb.market.candles import Candles
from atb.registry import integrity, store
from atb.registry.version import Version
from atb.workspace import Workspace


@dataclass(frozen=True)
class Parent:
    """The model a training begins with.

    Attributes:
        version: its folder.
        learned_until: ms UTC; close of the last bar that it, or a model it began with, learned
            from.
    """

    version: Version
    learned_until: int

    def give(self, network: keras.Model) -> None:
        """Set a network's weights to the parent's."""
        serving = rewrite.load(self.version.path / "model.keras")
        network.set_weights(serving.get_layer(network.name).get_weights())

    def to_json(self) -> dict[str, Any]:
        """Where the weights came from, for a model's metadata."""
        return {"version": self.version.reference, "learned_until": iso(self.learned_until)}


def parent(
    workspace: Workspace, config: TrainingConfig, candles: Candles, dataset: Dataset
) -> Parent | None:
    """The model a recipe begins with, None for one that begins with random weights.

    Raises:
        UsageError: when there is no such model.
        IntegrityError: when its files are not what its manifest says.
        ConfigError: when it has other features, another window, network or target.
        DataError: when it has learned from bars that are test rows now.
    """
    if config.warm_start is None:
        return None
    version = store.find(workspace, config.warm_start)
    integrity.verify(version.path)
    theirs = from_json((version.path / "config.json").read_text(), str(version.path))
    for complaint in _differences(theirs, config):
        raise ConfigError(
            complaint, where=f"--from {config.warm_start}", remedy="train with its recipe"
        )
    metadata = json.loads((version.path / "metadata.json").read_text())
    found = Parent(version, _learned_until(metadata))
    _require_unseen(found, candles, dataset)
    return found


def _differences(theirs: TrainingConfig, ours: TrainingConfig) -> Iterator[str]:
    expected, given = len(SETS[theirs.features]), len(SETS[ours.features])
    if expected != given:
        yield f"the model expects {expected} features, the data gives {given}"
    if theirs.features != ours.features:
        yield f"the model expects features {theirs.features!r}, the data gives {ours.features!r}"
    if theirs.window != ours.window:
        yield f"the model expects windows of {theirs.window} bars, the data gives {ours.window}"
    if theirs.data.timeframe != ours.data.timeframe:
        yield (
            f"the model expects bars of {theirs.data.timeframe}, "
            f"the data gives {ours.data.timeframe}"
        )
    if theirs.model != ours.model:
        yield f"the model is the network {theirs.model!r}, the recipe asks for {ours.model!r}"
    if theirs.target != ours.target:
        yield f"the model predicts {theirs.target!r}, the recipe asks for {ours.target!r}"


def _learned_until(metadata: Mapping[str, Any]) -> int:
    """Its own labels reach so far, or those of the model it began with."""
    return parse_time(metadata["learned_until"])


def _require_unseen(found: Parent, candles: Candles, dataset: Dataset) -> None:
    first = int(candles.close_time[dataset.split.test[0]])
    if found.learned_until > first:
        raise DataError(
            f"the model has learned from bars up to {iso(found.learned_until)}, "
            f"but test rows begin at {iso(first)}",
            where=f"--from {found.version.path}",
            remedy="give candles whose test part is later",
        )
