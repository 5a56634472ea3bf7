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
ARRAYS = ("network", "optimizer", "best")  # fields of a checkpoint, each a file

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checkpoint:
    """A training as it stood once; all that is needed to go on from there.

    Attributes:
        state: epochs, steps and history.
        network: every variable of the network in its order, seeds of its random layers among them.
        optimizer: every variable of the optimiser in its order.
        best: the network's variables at the end of the best epoch; empty before there is one.
    """

    state: State
    network: Arrays
    optimizer: Arrays
    best: Arrays


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
        if place.exists():
            if _holds(place, checkpoint):  # stopped where it has just been saved
                return place
            atomic.remove_folder(place)  # of another past: the training had to go back
        with atomic.folder(place) as folder:
            for name in ARRAYS:
                _write(folder / f"{name}.npz", getattr(checkpoint, name))
            atomic.write_json(folder / STATE, checkpoint.state.to_json())
            manifest.write(folder)
        if not _equal(_read(place), checkpoint):
            raise IntegrityError(
                "what was read back is not what was written",
                where=str(place),
                remedy="check the disk",
            )
        self._prune(place, checkpoint.state)
        return place

    def newest(self) -> Checkpoint | None:
        """The newest checkpoint that is whole, or None; damaged ones are passed over.

        Raises:
            StorageError: when the disk refuses to let go of what a crash left.
        """
        if self.folder.is_dir():
            atomic.remove_leftovers(self.folder)
        for place in reversed(self._places()):
            try:
                return _read(place)
            except IntegrityError as error:
                _LOG.warning("a damaged checkpoint is passed over: %s: %s", place, error.what)
        return None

    def _places(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*-[0-9]*"))

    def _prune(self, newest: Path, state: State) -> None:
        """Keep the last two and the best; what is later was passed over, and is of another past."""
        past = [place for place in self._places() if place <= newest]
        kept = set(past[-KEPT:])
        if state.best is not None:
            kept.add(self.folder / _name(state.best.epoch, 0))
        for place in self._places():
            if place not in kept:
                atomic.remove_folder(place)


def _read(place: Path) -> Checkpoint:
    """A checkpoint whose checksums hold.

    Raises:
        IntegrityError: when they do not, or another version of atb wrote it.
    """
    integrity.verify(place)
    try:
        state = State.of(json.loads((place / STATE).read_text()))
        return Checkpoint(state, *(_load(place / f"{name}.npz") for name in ARRAYS))
    except (TypeError, KeyError, FileNotFoundError) as error:
        raise IntegrityError(
            f"another version of atb wrote it ({error})",
            where=str(place),
            remedy="train again from the beginning",
        ) from error


def _holds(place: Path, checkpoint: Checkpoint) -> bool:
    """Whether this very checkpoint is there, whole."""
    try:
        return _equal(_read(place), checkpoint)
    except IntegrityError:
        return False


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
    pairs = [(getattr(a, name), getattr(b, name)) for name in ARRAYS]
    return a.state.to_json() == b.state.to_json() and all(
        len(x) == len(y) and all(map(_same_bits, x, y)) for x, y in pairs
    )


def _same_bits(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
