"""Gates: each one question to a model, answered by a figure, its limit and a verdict.

Knows what a model's folder says, not how it was read. Whatever is missing, is no finite number or
contradicts itself is a refusal.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from atb.clock import DAY_MS, iso, parse_time
from atb.config.gates import Limits
from atb.errors import UsageError
from atb.registry.served import GRAPH, MAX_CHANGE, MAX_SHARE, PRECISION, SERVES, SMALLER
from atb.registry.version import Version

REQUIRED = ("version", "symbol", "columns", "data_sha256", "config_sha256", "synthetic")
ACCURACIES = ("accuracy", "directional_accuracy")


class _RefusalError(Exception):
    """Why a gate cannot be answered."""


@dataclass(frozen=True)
class Rivalry:
    """How a model stands to the one that runs, in the metric that decides.

    Attributes:
        model: the one that runs.
        worse: how much worse this one may be at the worse end of the 95 % interval, as a share of
            the other's figure; negative where it is better even there.
        better: the same at the better end.
        words: what was compared, and on which rows.
    """

    model: str
    worse: float
    better: float
    words: str


@dataclass(frozen=True)
class Dossier:
    """What is known of a model when it stands before the gates.

    Attributes:
        version: its folder.
        files: how many of them are what its manifest says; 0 when one is not.
        metadata: `metadata.json`.
        metrics: `metrics.json`.
        recipe: what its recipe says of its input and target, by the names used in `metadata`.
        said: what its serving graph says of itself.
        now: ms UTC.
        rivalry: how it stands to the model that runs; None where none does.
        problems: by gate, why what it asks could not be read.
    """

    version: Version
    files: int
    metadata: Mapping[str, Any]
    metrics: Mapping[str, Any]
    recipe: Mapping[str, Any]
    said: Mapping[str, str]
    now: int
    rivalry: Rivalry | None
    problems: Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """A gate's answer.

    Attributes:
        gate: its name.
        value: what was found; None where nothing was.
        limit: what it was held against; None where nothing was.
        passed: whether it passes.
        words: what it means, or why it is refused.
    """

    gate: str
    value: float | str | None
    limit: float | str | None
    passed: bool
    words: str

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        return asdict(self)


# What a gate found: the value, its limit, whether that is enough, and words.
Answer: TypeAlias = tuple[float | str, float | str, bool, str]
Gate: TypeAlias = Callable[[Dossier, Limits], Answer]


def judged(dossier: Dossier, limits: Limits) -> list[Finding]:
    """Every gate's answer, in the order of `GATES`; what the limits do not ask is left out."""
    return [_asked(name, dossier, limits) for name in GATES if _asks(name, limits)]


def _asks(name: str, limits: Limits) -> bool:
    return name not in OPTIONAL or getattr(limits, OPTIONAL[name]) is not None


def _asked(name: str, dossier: Dossier, limits: Limits) -> Finding:
    try:
        if name in dossier.problems:
            raise _RefusalError(dossier.problems[name])
        return Finding(name, *GATES[name](dossier, limits))
    except _RefusalError as refusal:
        return Finding(name, None, None, False, str(refusal))


def integrity(dossier: Dossier, _limits: Limits) -> Answer:
    """Every file is what the manifest says."""
    _require(dossier.files > 0, "no file was verified")
    return f"{dossier.files} files", "all whole", True, "every SHA-256 is the manifest's"


def schema(dossier: Dossier, _limits: Limits) -> Answer:
    """The folder, the recipe, the metadata and the graph tell one story of what the model takes."""
    metadata, said, version = dossier.metadata, dossier.said, dossier.version
    for name in REQUIRED:
        _require(name in said, f"the graph does not say its {name!r}")
    for name, text in said.items():
        ours = metadata.get(name)
        same = name in metadata and text == (ours if isinstance(ours, str) else json.dumps(ours))
        _require(same, f"the graph says {name} {text!r}, metadata.json {ours!r}")
    for name, fact in dossier.recipe.items():
        found = metadata.get(name)
        _require(found == fact, f"config.json says {name} {fact!r}, metadata.json {found!r}")
    word = str(metadata["version"])
    made = "" if _serves(metadata) == GRAPH else f"-{metadata.get(PRECISION)}"
    numbered = re.fullmatch(re.escape(word + made) + r"(-\d{3,})?", version.version)
    _require(numbered is not None, f"its folder is {version.version}, metadata.json says {word}")
    here = metadata["symbol"] == version.symbol
    _require(here, f"it lies under {version.symbol}, metadata.json says {metadata['symbol']}")
    return f"{len(said)} facts", "all agree", True, "graph, metadata and recipe agree"


def parity(dossier: Dossier, limits: Limits) -> Answer:
    """ONNX and Keras answered alike, in the output's unit and in deviations.

    A graph in fewer bits is held against the float32 one instead, by what was measured of both.
    """
    of_smaller = _required_close(dossier.metadata)
    limit = limits.maximum_parity_difference
    windows = _number(dossier.metadata, "metadata.json", "parity", "windows")
    _require(windows >= 1, f"parity was measured on {windows:g} windows")
    worst = max(
        _size(dossier.metadata, "metadata.json", "parity", name)
        for name in ("max_difference", "max_standardised_difference")
    )
    words = f"ONNX against Keras on {windows:,.0f} windows{of_smaller}"
    return worst, limit, worst <= limit, words


def _required_close(metadata: Mapping[str, Any]) -> str:
    """What was measured of a served graph in fewer bits, which must be close; "" for float32."""
    serves, words = _serves(metadata), ""
    if serves == GRAPH:
        return words
    for path, limit in ((("metric", "change"), MAX_CHANGE), (("difference", "share"), MAX_SHARE)):
        value = _size(metadata, "metadata.json", SMALLER, *path)
        name = ".".join((SMALLER, *path))
        _require(value <= limit, f"it serves {serves}, whose {name} is {value:g}, above {limit:g}")
        words += f", {path[0]} {value:.2g} of at most {limit:g}"
    return f"; {serves} beside ONNX{words}"


def _serves(metadata: Mapping[str, Any]) -> Any:
    """The graph that it serves, as its metadata say."""
    return metadata.get(SERVES, GRAPH)


def real(dossier: Dossier, _limits: Limits) -> Answer:
    """No simulated row: not in its data, nor in those of a model it began with."""
    metadata = dossier.metadata
    for path in (("synthetic",), ("data", "synthetic")):
        found = _found(metadata, "metadata.json", *path)
        _require(found is False, "a simulator made its data" if found is True else _no(path, found))
    parent = _found(metadata, "metadata.json", "warm_start")
    if parent is None:
        return "real", "real", True, "its data come from a market"
    found = _found(metadata, "metadata.json", "warm_start", "synthetic")
    _require(found is False, f"it began with {parent.get('version')}, whose data were simulated")
    return "real", "real", True, "its data and those it began with come from a market"


def fresh(dossier: Dossier, limits: Limits) -> Answer:
    """The last row of its data is young."""
    last = _found(dossier.metadata, "metadata.json", "data", "last")
    try:
        age = (dossier.now - parse_time(last)) / DAY_MS
    except (UsageError, AttributeError, OverflowError) as error:
        raise _RefusalError(f"metadata.json says data.last is {last!r}, no time") from error
    limit = limits.maximum_age_days
    _require(age >= 0, f"its data end at {last}, after now, {iso(dossier.now)}")
    return round(age, 2), limit, age <= limit, f"days since its last row, {last}"


def skill(dossier: Dossier, limits: Limits) -> Answer:
    """The 95 % interval of its lead over the best baseline lies above the limit as a whole."""
    told = (dossier.metrics, "metrics.json", "headline")
    low, high, naive = (_number(*told, name) for name in ("low", "high", "naive"))
    rising = _found(*told, "rising")
    _require(isinstance(rising, bool), _no(("headline", "rising"), rising))
    _require(low <= high, f"its interval is from {low:g} to {high:g}")
    metric, baseline = (
        str(_found(*told, name)).replace("_", " ") for name in ("metric", "baseline")
    )
    _require(naive != 0, f"the {metric} of {baseline} is 0: there is no share of it")
    lead = (low if rising else -high) / abs(naive)
    limit = limits.minimum_improvement
    words = f"lead over {baseline} in {metric}, worse end of the 95 % interval, share"
    return lead, limit, lead > limit, words


def luck(dossier: Dossier, limits: Limits) -> Answer:
    """So good by chance is improbable, with all recipes counted that were tried."""
    told = (dossier.metrics, "metrics.json", "significance")
    value, trials = _size(*told, "adjusted_p_value"), _number(*told, "trials")
    _require(value <= 1, f"the adjusted p-value is {value:g}")
    _require(trials >= 1, f"the recipes tried are {trials:g}")
    limit = limits.maximum_p_value
    return value, limit, value <= limit, f"p-value, recipes tried: {trials:,.0f}"


def accuracy(dossier: Dossier, limits: Limits) -> Answer:
    """It is right that often: in the class, or in the direction of a quantity."""
    measured = dossier.metrics.get("metrics")
    known = [name for name in ACCURACIES if isinstance(measured, Mapping) and name in measured]
    _require(bool(known), f"metrics.json has none of {', '.join(ACCURACIES)}")
    value = _size(dossier.metrics, "metrics.json", "metrics", known[0])
    _require(value <= 1, f"the {known[0]} is {value:g}")
    limit = limits.minimum_accuracy or 0.0
    return value, limit, value >= limit, known[0].replace("_", " ")


def calibration(dossier: Dossier, limits: Limits) -> Answer:
    """What it says is likely comes true as often as it says."""
    value = _size(dossier.metrics, "metrics.json", "calibration", "error")
    limit = limits.maximum_calibration_error
    return value, limit, value <= limit, "calibration error on test rows"


def not_worse(dossier: Dossier, limits: Limits) -> Answer:
    """It is not shown to be worse than the model that runs, and cannot be much worse."""
    rivalry, limit = dossier.rivalry, limits.maximum_worsening or 0.0
    if rivalry is None:
        return "none runs", limit, True, "no model is promoted"
    for bound in (rivalry.worse, rivalry.better):
        _require(math.isfinite(bound), f"beside {rivalry.model} its figure is {bound}")
    passed = rivalry.worse <= limit and rivalry.better <= 0
    return rivalry.worse, limit, passed, rivalry.words


GATES: Mapping[str, Gate] = {
    "integrity": integrity,
    "schema": schema,
    "parity": parity,
    "real": real,
    "fresh": fresh,
    "skill": skill,
    "luck": luck,
    "accuracy": accuracy,
    "calibration": calibration,
    "not_worse": not_worse,
}
# Gates that a set of limits may leave out, and the limit that is null then.
OPTIONAL: Mapping[str, str] = {"accuracy": "minimum_accuracy", "not_worse": "maximum_worsening"}


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise _RefusalError(words)


def _found(content: Any, file: str, *path: str) -> Any:
    """What a file says under nested names."""
    for name in path:
        if not isinstance(content, Mapping) or name not in content:
            raise _RefusalError(f"{file} has no {'.'.join(path)}")
        content = content[name]
    return content


def _number(content: Any, file: str, *path: str) -> float:
    """A finite number a file holds."""
    value = _found(content, file, *path)
    plain = isinstance(value, int | float) and not isinstance(value, bool)
    _require(plain and -1e300 < value < 1e300, f"{file}: {_no(path, value)}")
    return float(value)


def _size(content: Any, file: str, *path: str) -> float:
    """A finite number that is not negative."""
    value = _number(content, file, *path)
    _require(value >= 0, f"{file}: {'.'.join(path)} is {value:g}, less than 0")
    return value


def _no(path: tuple[str, ...], value: Any) -> str:
    return f"{'.'.join(path)} is {value!r}, not what it must be"
