"""Whether a `.keras` file is a plain network, asked before Keras sees it.

A plain network is made of layers of a list, none of which runs code that came with the file, and
of weights that lie in it. Knows the file's form; needs neither Keras nor TensorFlow nor h5py.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from atb.errors import IntegrityError
from atb.registry import archive, h5_file
from atb.registry.archive import ArchiveError
from atb.registry.h5_file import FormError

WEIGHTS = "model.weights.h5"
LIMITS = {r"metadata\.json": 10_000, r"config\.json": 4_000_000, r"model\.weights\.h5": 100_000_000}
MAX_PARTS = 50_000  # of a configuration
MAX_NUMBER = 100_000
MAX_WIDTH = 8_192
MAX_WEIGHTS = 500_000_000  # all widths together times the longest side of any stored weight
MAX_INPUT = 10_000_000

# By module, the classes a network may be made of.
KNOWN: Mapping[str | None, frozenset[str]] = {
    None: frozenset({"__keras_tensor__", "__slice__"}),
    "keras": frozenset({"DTypePolicy"}),
    "keras.initializers": frozenset(
        {
            *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Ones"),
            *("Orthogonal", "RandomNormal", "RandomUniform", "Zeros"),
        }
    ),
    "keras.regularizers": frozenset({"L1", "L1L2", "L2"}),
    "keras.constraints": frozenset({"MaxNorm", "NonNeg", "UnitNorm"}),
    "keras.src.models.functional": frozenset({"Functional"}),
    "keras.src.ops.numpy": frozenset({"Concatenate", "GetItem", "OnesLike", "Pad", "Sqrt"}),
    "keras.layers": frozenset(
        {
            *("Activation", "Add", "AdditiveAttention", "Attention", "AveragePooling1D"),
            *("BatchNormalization", "Bidirectional", "Concatenate", "Conv1D", "Conv2D"),
            *("Cropping1D", "Dense", "Dropout", "EinsumDense", "Flatten", "GRU", "GRUCell"),
            *("GlobalAveragePooling1D", "GlobalMaxPooling1D", "InputLayer", "LSTM", "LSTMCell"),
            *("LayerNormalization", "LeakyReLU", "MaxPooling1D", "MaxPooling2D", "Maximum"),
            *("Minimum", "MultiHeadAttention", "Multiply", "Permute", "ReLU", "Rescaling"),
            *("Reshape", "Softmax", "SpatialDropout1D", "Subtract"),
        }
    ),
    "atb.features.layer": frozenset({"FeatureSet"}),
    "atb.export.graph": frozenset({"Guard"}),
    "atb.export.calibrated": frozenset({"Isotonic"}),
    "atb.export.estimator": frozenset({"Estimator"}),
    "atb.models.bilinear": frozenset({"Bilinear", "BilinearNormalisation", "TemporallyAttended"}),
    "atb.models.votes": frozenset({"HardVote", "MeanValue", "SoftVote"}),
}
FUNCTIONS = frozenset({"atb>gelu"})
# Keys whose numbers make weights, and keys whose numbers are only names.
WIDTHS = frozenset(
    {
        *("features", "filters", "kernel_size", "key_dim", "num_heads", "output_shape", "steps"),
        *("units", "value_dim"),
    }
)
FREE = frozenset({"seed", "shared_object_id"})
BYTES = "size"  # of a file that is a weight


def require_plain(path: Path) -> None:
    """Nothing, if a `.keras` file is a plain network.

    Raises:
        IntegrityError: for anything else, with what it is.
    """
    try:
        members = archive.contents(path, LIMITS)
        missing = {"config.json", WEIGHTS} - members.keys()
        _require(not missing, f"it has no {', '.join(sorted(missing))}")
        widest = _widest(members[WEIGHTS])
        _require_known(archive.parsed(members["config.json"]), widest)
    except ArchiveError as error:
        raise IntegrityError(
            f"it is no plain network: {error}",
            where=str(path),
            remedy="do not use this model; train it again or restore it from a backup",
        ) from error


def _require_known(config: Any, widest: int) -> None:
    """Every class is of the list, every number one that a network of these weights may have."""
    whole = isinstance(config, dict) and config.get("class_name") == "Functional"
    _require(whole, "its configuration is none of a network")
    made, wide = 0, min(widest, MAX_WIDTH)
    for key, value in _parts(config):
        if isinstance(value, dict):
            _require_class(value)
        elif isinstance(value, list) and key == "batch_shape":
            given = math.prod(side for side in value if isinstance(side, int))
            _require(given <= MAX_INPUT, f"it takes windows of {given} numbers")
        elif isinstance(value, int) and key not in FREE:
            limit = {BYTES: widest}.get(key, wide if key in WIDTHS else MAX_NUMBER)
            _require(abs(value) <= limit, f"its {key!r} is {value}, more than {limit}")
            made += abs(value) * (wide if key in WIDTHS else key == BYTES)
    _require(made <= MAX_WEIGHTS, f"its layers could have {made} weights, more than {MAX_WEIGHTS}")


def _require_class(part: Mapping[str, Any]) -> None:
    if "class_name" not in part:
        return
    name, module, registered = (
        _word(part.get(key)) for key in ("class_name", "module", "registered_name")
    )
    if (module, name, registered) == ("builtins", "function", "function"):
        function = _word(part.get("config"))
        _require(function in FUNCTIONS, f"it has the function {function!r}, which no model needs")
        return
    known = name in KNOWN.get(module, ())
    _require(known, f"it has a {name!r} of {module!r}, which no model needs")
    own = registered in (None, name, f"atb>{name}")
    _require(own, f"it has a {name!r} that is registered as {registered!r}")


def _word(value: Any) -> str | None:
    """A name in a configuration, or that there is none."""
    _require(
        value is None or isinstance(value, str), "it names a class by something else than text"
    )
    return value if value is None else str(value)


def _parts(config: Any) -> Iterator[tuple[str, Any]]:
    """Every value under the key that it, or the list it stands in, has."""
    waiting, seen = [("", config)], 0
    while waiting:
        seen += 1
        _require(seen <= MAX_PARTS, f"its configuration has more than {MAX_PARTS} parts")
        key, value = waiting.pop()
        yield key, value
        if isinstance(value, dict):
            waiting.extend(value.items())
        elif isinstance(value, list):
            waiting.extend((key, one) for one in value)


def _widest(content: bytes) -> int:
    """The longest side of any weight."""
    try:
        found = h5_file.shapes(content)
    except FormError as error:
        raise ArchiveError(f"{WEIGHTS} holds more than plain weights: {error}") from error
    return max((max(shape, default=1) for shape in found.values()), default=1)


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise ArchiveError(words)
