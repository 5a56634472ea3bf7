"""Whether a model's folder tells one story of what its graph takes and computes.

The graph, the metadata and the profile each say it, so that a graph which was put into the wrong
folder, or a folder written by half, does not answer. Knows what they say, not how a graph runs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from atb.errors import IntegrityError
from atb.registry import document

METADATA = "metadata.json"
PROFILE = "profile.json"

# What of a graph's words decides what it is fed and what its answer means.
FACTS = (
    *("symbol", "market", "timeframe", "clock", "every", "tick", "coupon"),
    *("columns", "order", "max_gap"),
    *("features", "features_sha256", "feature_names", "window", "lookback", "target", "horizon"),
    *("quantile_levels", "shortfall_levels"),
)


def require_agreement(
    model: Path, files: Collection[str], says: Mapping[str, str], width: int | None
) -> None:
    """Refuse a folder whose files say different things of one model.

    Args:
        model: the folder, verified.
        files: names of its files; what is not among them is not asked.
        says: what the graph says of itself.
        width: features it gives; None where it gives none.

    Raises:
        IntegrityError: naming both sides.
    """
    if METADATA in files:
        _require_facts(says, document.read(model / METADATA), model)
    if width is None:
        return
    own = _named(says, model)
    if own:
        _require_width(width, own, "its properties name", model)
    if PROFILE in files:
        theirs = _profiled(model / PROFILE)
        _require_width(width, theirs, f"{PROFILE} knows", model)
        for number, names in enumerate(zip(own, theirs, strict=False), 1):
            if names[0] != names[1]:
                words = f"{names[0]}, of {PROFILE} {names[1]}"
                raise _error(f"feature {number} of the graph is {words}", model)


def _require_facts(says: Mapping[str, str], metadata: Mapping[str, Any], model: Path) -> None:
    for name in FACTS:
        if name in says and name in metadata:
            theirs = metadata[name]
            text = theirs if isinstance(theirs, str) else json.dumps(theirs)
            if says[name] != text:
                raise _error(f"the graph says {name} {says[name]}, {METADATA} {text}", model)


def _require_width(width: int, names: Sequence[str], whose: str, model: Path) -> None:
    if len(names) != width:
        raise _error(f"the graph gives {width} features, {whose} {len(names)}", model)


def _named(says: Mapping[str, str], model: Path) -> list[str]:
    """Names of the features that the graph computes; none where it does not say, as old ones."""
    try:
        return list(json.loads(says.get("feature_names", "[]")))
    except (RecursionError, TypeError, ValueError) as error:
        raise _error(f"the graph's feature_names cannot be read ({error})", model) from error


def _profiled(path: Path) -> list[str]:
    """Names of the features that the profile knows."""
    try:
        return [one["name"] for one in document.read(path)["features"]]
    except (KeyError, TypeError) as error:
        raise _error("it names no features", path) from error


def _error(what: str, path: Path) -> IntegrityError:
    return IntegrityError(what, where=str(path), remedy="train the model again")
