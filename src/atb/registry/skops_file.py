"""Whether a `.skops` file is plain, asked before skops or scikit-learn see it.

A plain one holds estimators that `atb` fits, made of arrays and plain values. Knows the file's
form; needs neither library.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from atb.errors import IntegrityError
from atb.registry import archive
from atb.registry.archive import ArchiveError

LIMITS = {r"schema\.json": 1_000_000, r"\d{1,20}\.npy": 100_000_000}
MAX_PARTS = 10_000
BOOSTING, KINDS = (
    "sklearn.ensemble._hist_gradient_boosting.gradient_boosting",
    ("Regressor", "Classifier"),
)
# Class, module and the part of skops that makes it. Trees come unfitted: none of what would make
# their memory is here.
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
        ("tuple", "builtins", "TupleNode"),
        ("Pipeline", "sklearn.pipeline", "ObjectNode"),
        ("LogisticRegression", "sklearn.linear_model._logistic", "ObjectNode"),
        ("BayesianRidge", "sklearn.linear_model._bayes", "ObjectNode"),
        ("PCA", "sklearn.decomposition._pca", "ObjectNode"),
        ("StandardScaler", "sklearn.preprocessing._data", "ObjectNode"),
        ("GaussianMixture", "sklearn.mixture._gaussian_mixture", "ObjectNode"),
        ("ExtraTreesRegressor", "sklearn.ensemble._forest", "ObjectNode"),
        ("ExtraTreeRegressor", "sklearn.tree._classes", "ObjectNode"),
        *((f"HistGradientBoosting{kind}", BOOSTING, "ObjectNode") for kind in KINDS),
    }
)
# Version 1 of numpy's format, whose own reader would evaluate the header.
ARRAY = re.compile(
    rb"\x93NUMPY\x01\x00..(\{'descr': '[<|][biuf]([1248])', 'fortran_order': (?:False|True), "
    rb"'shape': \(((?:\d{1,12}(?:, \d{1,12}){0,7},?)?)\), \} *\n)",
    re.DOTALL,
)
NAMES = ("__class__", "__module__", "__loader__")


def require_plain(path: Path) -> None:
    """Nothing, if a `.skops` file is plain.

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
            f"it holds no plain estimator: {error}",
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
            _require(not named or said in KNOWN, f"it has {said}, which no estimator needs")


def _require_array(name: str, content: bytes) -> None:
    """Its numbers lie in it, as many as its shape says."""
    found = ARRAY.match(content)
    if found is None or len(found[1]) != int.from_bytes(content[8:10], "little"):
        raise ArchiveError(f"{name} is no array of numbers as numpy writes it")
    said = int(found[2]) * math.prod(int(side) for side in re.findall(rb"\d+", found[3]))
    held = len(content) - found.end()
    _require(said == held, f"{name} is to have {said} bytes, has {held}")


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise ArchiveError(words)
