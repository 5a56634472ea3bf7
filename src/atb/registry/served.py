"""Which graph of a model's folder is served: the float32 one, or a smaller one made of it.

Knows one word of the metadata, nothing of graphs.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from atb.errors import IntegrityError
from atb.registry import manifest

GRAPH = "model.onnx"
FEATURES = "features"  # of a graph: its second output
QUANTILES = "quantiles"  # of a graph that knows them: its third output
LEVELS = "quantile_levels"  # in the metadata and in such a graph: the shares they leave below
SHORTFALL = "shortfall_levels"  # likewise: of which of them the mean below follows
METADATA = "metadata.json"
SERVES = "serves"
PRECISION = "precision"  # of the weights of that graph, in the metadata and in the graph itself
SMALLER = "smaller"  # in the metadata: what was measured of a graph in fewer bits
MAX_CHANGE = 0.01  # of the metric that decides, as a share of the float32 graph's
MAX_SHARE = 0.1  # of the answers' own deviation, by which they may differ

_GRAPH = re.compile(r"model(\.[a-z0-9]+)?\.onnx")


def graph_of(model: Path) -> str:
    """File name of the graph that a model serves: what its metadata say, else `model.onnx`.

    Args:
        model: the model's folder, verified.

    Raises:
        IntegrityError: when the metadata cannot be read, or name no graph of the folder.
    """
    path = model / METADATA
    if not path.exists():
        return GRAPH
    try:
        named = json.loads(path.read_bytes()).get(SERVES, GRAPH)
    except (ValueError, AttributeError, RecursionError) as error:
        raise _error(f"it is no object of JSON ({type(error).__name__}: {error})", path) from error
    if not isinstance(named, str) or not _GRAPH.fullmatch(named) or not (model / named).is_file():
        raise _error(f"it serves {named!r}, no graph of its folder", path)
    return named


def _error(what: str, path: Path) -> IntegrityError:
    return IntegrityError(what, where=str(path), remedy=manifest.REMEDY)
