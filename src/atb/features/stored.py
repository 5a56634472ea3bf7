"""Feature matrices kept on the disk: computed by the first job that asks, mapped by all others.

A file holds the numbers, row after row, and the SHA-256 of them at its end. Its name says all that
the numbers follow from; what is not whole is computed again. Knows nothing of what a set computes.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from atb import atomic, cache
from atb.code import code_sha256
from atb.config.features import definition_sha256, width
from atb.features.layer import Float32, compute
from atb.market.history import History
from atb.workspace import Workspace

_LOG = logging.getLogger(__name__)
_FLOAT = np.dtype("<f4")


def matrix(workspace: Workspace, set_name: str, history: History) -> Float32:
    """The feature matrix `[N, F]` float32 of N rows, as `layer.compute` makes it.

    Where it is mapped from a file, processes share its memory, it cannot be written to, and the
    file is held until it is let go.

    Raises:
        UsageError: when there is no such set, or it is of another market.
        DataError: when a book has fewer levels than the set reads.
        StorageError: when the disk refuses.
    """
    place = path(workspace, set_name, history)
    found = _mapped(place, (len(history), width(set_name)))
    if found is None:
        found = compute(set_name, history)
        _write(place, found)
    return found


def path(workspace: Workspace, set_name: str, history: History) -> Path:
    """Where a matrix lies, once it was computed; named by all that its numbers follow from.

    Raises:
        UsageError: when there is no such set.
    """
    origin = {
        "history": history.sha256(),
        "set": set_name,
        "definition": definition_sha256(set_name),
        "code": code_sha256(),
        "keras": keras.__version__,
        "tensorflow": tf.__version__,
        "gpu": bool(tf.config.list_physical_devices("GPU")),  # it rounds otherwise
    }
    key = hashlib.sha256(json.dumps(origin).encode()).hexdigest()
    return workspace.matrices / f"{key}.f32"


def _write(place: Path, made: Float32) -> None:
    numbers = np.ascontiguousarray(made, _FLOAT)
    with cache.filling(place.parent), atomic.file(place) as temporary, temporary.open("wb") as file:
        file.write(numbers.data)
        file.write(_digest(numbers))


def _mapped(place: Path, shape: tuple[int, int]) -> Float32 | None:
    """The matrix of a file; None where there is none, or it is not what was written."""
    file = cache.take(place)
    if file is None:
        return None
    with file:  # the map holds the entry from here on
        size = shape[0] * shape[1] * _FLOAT.itemsize
        if os.fstat(file.fileno()).st_size != size + hashlib.sha256().digest_size:
            _LOG.warning("%s has another size than was written; it is computed again", place)
            return None
        numbers = np.asarray(np.memmap(file, _FLOAT, "r", shape=shape))
        file.seek(size)
        if file.read() != _digest(numbers):
            _LOG.warning("%s is not what was written; it is computed again", place)
            return None
    return numbers


def _digest(numbers: Float32) -> bytes:
    return hashlib.sha256(numbers.data).digest()
