"""Checkpoints: a training's weights, optimiser, seeds and standing, each a folder written whole.

A checkpoint is named for the epochs and steps done. The last two and the best epoch's are kept.
Knows arrays and folders, not what a network is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from atb import atomic
from atb.errors import IntegrityError
from atb.registry import integrity, manifest
from atb.training.state import State

Arrays: TypeAlias = Sequence[npt.NDArray[Any]]

KEPT = 2
STATE = "state.json"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A training as it stood once.

    Attributes:
        state: epochs, steps and history.
        network: every variable of the network in its order, seeds of its random layers among them.
        optimizer: every variable of the optimiser in its order.
    """

    state: State
    network: Arrays
    optimizer: Arrays


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one run, in one folder."""

    folder: Path

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint whole, read it back, then let go of those no longer needed.

        Raises:
            StorageError: when the disk refuses.
            IntegrityError: when what is read back is not what was written.
        """
        place = self.folder / _name(checkpoint.state.epoch, checkpoint.state.step)
        if place.exists():  # a resumed training comes by the same places again
            if self._whole(place):
                return place
            atomic.remove_folder(place)
        with atomic.folder(place) as folder:
            _write(folder / "network.npz", checkpoint.network)
            _write(folder / "optimizer.npz", checkpoint.optimizer)
            atomic.write_json(folder / STATE, checkpoint.state.to_json())
            manifest.write(folder)
        if not _equal(self._read(place), checkpoint):
            raise IntegrityError(
                "what was read back is not what was written",
                where=str(place),
                remedy="check the disk",
            )
        self._prune(checkpoint.state)
        return place

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that is whole, or None; damaged ones are passed over.

        A checkpoint counts only together with that of its best epoch.
        """
        if self.folder.is_dir():
            atomic.remove_leftovers(self.folder)
        for place in reversed(self._places()):
            try:
                checkpoint = self._read(place)
                self.best(checkpoint.state)
            except IntegrityError as error:
                _LOG.warning("a checkpoint is passed over: %s", error)
            else:
                return checkpoint
        return None

    def best(self, state: State) -> Arrays | None:
        """The network's variables at the end of the best epoch, None before there is one.

        Raises:
            IntegrityError: when that checkpoint is damaged or missing.
        """
        if state.best is None:
            return None
        return self._read(self.folder / _name(state.best.epoch, 0)).network

    def _whole(self, place: Path) -> bool:
        try:
            integrity.verify(place)
        except IntegrityError:
            return False
        return True

    def _places(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*-[0-9]*"))

    def _read(self, place: Path) -> Checkpoint:
        integrity.verify(place)
        state = State.of(json.loads((place / STATE).read_text()))
        return Checkpoint(state, _load(place / "network.npz"), _load(place / "optimizer.npz"))

    def _prune(self, state: State) -> None:
        places = self._places()
        kept = set(places[-KEPT:])
        if state.best is not None:
            kept.add(self.folder / _name(state.best.epoch, 0))
        for place in places:
            if place not in kept:
                atomic.remove_folder(place)


def _name(epoch: int, step: int) -> str:
    return f"{epoch:06d}-{step:09d}"


def _write(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as stream:
        np.savez(
            stream, allow_pickle=False, **{f"{i:04d}": array for i, array in enumerate(arrays)}
        )


def _load(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as archive:
        return [archive[name] for name in sorted(archive.files)]


def _equal(a: Checkpoint, b: Checkpoint) -> bool:
    pairs = ((a.network, b.network), (a.optimizer, b.optimizer))
    return a.state.to_json() == b.state.to_json() and all(
        len(x) == len(y) and all(map(_same_bits, x, y)) for x, y in pairs
    )


def _same_bits(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
