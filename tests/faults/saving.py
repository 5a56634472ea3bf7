"""Kill processes that only save checkpoints, and say what was found after each kill.

A script without TensorFlow, run by `test_kill.py`: `saving.py FOLDER KILLS SEED`. One process does
all the work and forks each victim, since forking is safe and cheap in a process this small.
"""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import sys
import time
from pathlib import Path

import numpy as np

from atb.dataset.learner import Epoch
from atb.training.checkpoint import Checkpoint, Checkpoints
from atb.training.state import State

STEPS = 3  # checkpoints in each epoch after the one at its beginning
PLACE = struct.Struct("qq")
SHAPE = (400, 250)  # 400 kB an array, so that a kill often falls into a write


def checkpoint(epoch: int, step: int) -> Checkpoint:
    """The checkpoint of a place, all its numbers drawn from it; every third epoch is the best."""
    history = [Epoch(i, 1.0, 1 / i, 1e-3, 1.0, i % 3 == 1, {}) for i in range(1, epoch + 1)]
    draw = np.random.default_rng([epoch, step])
    arrays = [draw.normal(size=SHAPE).astype(np.float32) for _ in range(3)]
    return Checkpoint(State(7, history=history, step=step), arrays[:1], arrays[1:2], arrays[2:])


def following(epoch: int, step: int) -> tuple[int, int]:
    """The place after a place."""
    return (epoch, step + 1) if step < STEPS else (epoch + 1, 0)


def save_for_ever(folder: Path, acknowledge: int) -> None:
    """Go on from the newest checkpoint; say each place once it is saved."""
    checkpoints = Checkpoints(folder)
    found = checkpoints.newest()
    place = (found.state.epoch, found.state.step) if found else (0, 0)
    while True:
        checkpoints.save(checkpoint(*place))
        os.write(acknowledge, PLACE.pack(*place))
        place = following(*place)


def killed(folder: Path, seconds: float) -> list[tuple[int, int]]:
    """Kill a saving process after so many seconds; the places it had acknowledged."""
    source, sink = os.pipe()
    victim = os.fork()
    if victim == 0:
        save_for_ever(folder, sink)
    os.close(sink)
    time.sleep(seconds)
    os.kill(victim, signal.SIGKILL)
    os.waitpid(victim, 0)
    with os.fdopen(source, "rb") as said:
        return list(PLACE.iter_unpack(said.read()))


def inspected(folder: Path, said: list[tuple[int, int]], before: tuple[int, int]) -> dict:
    """What is left: how it stands to what was acknowledged, and whether it is whole."""
    leftovers = len(list(folder.glob(".*.tmp"))) if folder.exists() else 0
    found = Checkpoints(folder).newest()
    place = (found.state.epoch, found.state.step) if found else (-1, -1)
    last = max([before, *said])
    expected = checkpoint(*place) if found else None
    return {
        "place": place,
        "acknowledged": len(said),
        "behind": place < last,
        "ahead": found is not None and place > following(*max(last, (0, -1))),
        "bits": found is None
        or all(np.array_equal(a, b) for a, b in zip(found.network, expected.network, strict=True)),
        "leftovers": leftovers,
        "unswept": len(list(folder.glob(".*"))) if folder.exists() else 0,
    }


def main(folder: Path, kills: int, seed: int) -> None:
    """One line of JSON for each kill, then how many checkpoints stay after one save in peace."""
    draw, place = random.Random(seed), (-1, -1)
    for _ in range(kills):
        said = killed(folder, draw.uniform(0.0, 0.12))
        found = inspected(folder, said, place)
        place = tuple(found["place"])
        sys.stdout.write(json.dumps(found) + "\n")
    Checkpoints(folder).save(checkpoint(*following(*place)))
    sys.stdout.write(json.dumps({"kept": len(list(folder.iterdir()))}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
