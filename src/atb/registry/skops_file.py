"""Whether a `.skops` file is a plain line, asked before skops or scikit-learn see it.

A plain line is one of the linear estimators that `atb` fits, made of arrays and plain values. Knows
the file's form; needs neither library.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np

from atb.errors import IntegrityError
from atb.registry import archive
from atb.registry.archive import ArchiveError

LIMITS = {r"schema\.json": 1_000_000, r"\d{1,20}\.npy": 100_000_000}
MAX_PARTS = 10_000
# Class, module and the part of skops that makes it.
KNOWN = frozenset(
    {
        ("str", "builtins", "TypeNode"),
        ("str", "builtins", "JsonNode"),
        ("dict", "builtins", "DictNode"),
        ("list", "builtins", "ListNode"),
        ("ndarray", "numpy", "NdArrayNode"),
        ("Ridge", "sklearn.linear_model._ridge", "ObjectNode"),
        ("Lasso", "sklearn.linear_model._coordinate_descent", "ObjectNode"),
        ("LinearRegression", "sklearn.linear_model._base", "ObjectNode"),
    }
)
NAMES = ("__class__", "__module__", "__loader__")


def require_plain(path: Path) -> None:
    """Nothing, if a `.skops` file is a plain line.

    Raises:
        IntegrityError: for anything else, with what it is.
    """
    try:
        members = archive.contents(path, LIMITS)
        _require("schema.json" in members, "it has no schema.json")
        _require_known(archive.parsed(members.pop("schema.json")))
        for name, content in members.items():
            _require_array(name, content)
    except ArchiveError as error:
        raise IntegrityError(
            f"it is no plain line: {error}",
            where=str(path),
            remedy="do not use this model; train it again or restore it from a backup",
        ) from error


def _require_known(schema: Any) -> None:
    """Every part that names a class is of the list."""
    _require(isinstance(schema, dict) and "__class__" in schema, "its schema has no class")
    waiting, seen = [schema], 0
    while waiting:
        seen += 1
        _require(seen <= MAX_PARTS, f"its schema has more than {MAX_PARTS} parts")
        part = waiting.pop()
        if isinstance(part, list):
            waiting.extend(part)
        if isinstance(part, dict):
            waiting.extend(part.values())
            said = tuple(str(part.get(name))[:100] for name in NAMES)
            named = any(name in part for name in NAMES)
            _require(not named or said in KNOWN, f"it has {said}, which no line needs")


def _require_array(name: str, content: bytes) -> None:
    """Its numbers lie in it, as many as its shape says."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        _require(version == (1, 0), f"{name} has version {version}")
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, EOFError) as error:
        raise ArchiveError(f"{name} is no array ({error})".splitlines()[0]) from error
    _require(dtype.kind in "biuf", f"{name} holds {dtype}, no numbers")
    said, held = int(np.prod(shape, dtype=object)) * dtype.itemsize, len(content) - stream.tell()
    _require(said == held, f"{name} is to have {said} bytes, has {held}")


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise ArchiveError(words)
