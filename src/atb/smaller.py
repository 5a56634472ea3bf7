"""The door to smaller models: a registered one's graph in fewer bits, measured, then registered.

Both graphs answer the validation windows of the model; the small one is refused unless its answers
stay close and the metric that decides stays the same. Test rows are not touched. Knows where a
model's facts lie, nothing of how a graph becomes smaller.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.clock import parse_time
from atb.config.training import TrainingConfig, from_json
from atb.errors import DataError, GateRefusedError, UsageError
from atb.evaluation.metric import Outcome
from atb.evaluation.trials import TRIALS
from atb.events import Listener, Warned, silent
from atb.export import closeness, quantise
from atb.export.closeness import Closeness
from atb.export.quantise import Way
from atb.export.sampling import sample
from atb.market.access import load_history
from atb.market.history import History
from atb.registry import document, onnx_file, store
from atb.registry.gates import Finding
from atb.registry.integrity import verify
from atb.registry.served import GRAPH, MAX_CHANGE, MAX_SHARE, METADATA, PRECISION, SERVES, SMALLER
from atb.registry.version import Version
from atb.runtime import scoring
from atb.runtime.drift import outcomes_of
from atb.runtime.session import Session
from atb.workspace import Workspace

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

METRICS = "metrics.json"
FEWEST = 100  # validation windows below which a metric says too little
CALIBRATING = 512  # windows on which ranges are measured
MAX_FEATURES = 1e-5  # float32 rounding; features do not become smaller


@dataclass(frozen=True)
class Smaller:
    """A graph in fewer bits, measured.

    Attributes:
        source: the model it is of.
        graph: the file's content.
        name: the file's name in a model's folder.
        way: how it was made, a name of `quantise.WAYS`.
        sizes: bytes of the float32 graph and of this one.
        rows: validation windows that were compared.
        metric: name of the metric that decides.
        values: of the float32 graph and of this one.
        difference: of their answers.
        data_sha256: of all rows at hand, which may be more, or others, than those of the model.
    """

    source: Version
    graph: bytes
    name: str
    way: str
    sizes: tuple[int, int]
    rows: int
    metric: str
    values: tuple[float, float]
    difference: Closeness
    data_sha256: str

    @property
    def change(self) -> float:
        """Of the metric, either way, as a share of the float32 graph's."""
        exact, small = self.values
        return abs(small - exact) / abs(exact) if exact else float("inf")

    @property
    def findings(self) -> list[Finding]:
        """What it is held against."""
        found, words = self.difference, f"on {self.rows:,} validation windows"
        near = (
            f"of the answers' own deviation {words}: rms {found.rms:.2g} {found.unit}, "
            f"{found.turned:.2%} change side"
        )
        of_metric = f"of {self.metric.replace('_', ' ')} {words}"
        before, after = self.sizes
        held = (
            ("size", after / before, 1.0, f"{after:,} bytes instead of {before:,}"),
            ("metric", self.change, MAX_CHANGE, of_metric),
            ("answers", found.share, MAX_SHARE, near),
            ("features", found.features, MAX_FEATURES, "largest difference of a feature"),
        )
        return [
            Finding(name, value, limit, value <= limit, words) for name, value, limit, words in held
        ]

    def to_json(self) -> dict[str, Any]:
        """What was measured, as the metadata keep it."""
        exact, small = self.values
        return {
            "way": self.way,
            "bytes": dict(zip(("float32", "smaller"), self.sizes, strict=True)),
            "rows": self.rows,
            "data_sha256": self.data_sha256,
            "metric": {
                "name": self.metric,
                "float32": exact,
                "smaller": small,
                "change": self.change,
            },
            "difference": self.difference.to_json(),
        }


def made(
    workspace: Workspace,
    version: Version,
    way: str,
    candles: Path | None = None,
    listen: Listener = silent,
) -> Smaller:
    """A registered model's graph in fewer bits, if it answers nearly as the float32 one.

    Args:
        workspace: where its rows are looked for when no file is named.
        version: a model that serves its float32 graph.
        way: a name of `quantise.WAYS`.
        candles: a file with the rows it was validated on; by default what its recipe names.
        listen: told of what is doubtful about the rows.

    Raises:
        UsageError: when the model serves a smaller graph already.
        IntegrityError: when its folder is not what its manifest says.
        DataError: when the rows are damaged, or too few of its validation rows are among them.
        GateRefusedError: with every figure, when metric or answers change too much, or nothing
            became smaller.
    """
    verify(version.path)
    metadata = document.read(version.path / METADATA)
    if metadata.get(SERVES, GRAPH) != GRAPH:
        raise UsageError(
            f"{version.reference} serves {metadata[SERVES]} already",
            remedy=f"name what it was made of: {_origin(version, metadata)}",
        )
    config = from_json((version.path / "config.json").read_text(), str(version.path))
    session = Session.open(version.path)
    history = _rows(config, metadata, workspace, candles, listen)
    outcomes = outcomes_of(config, metadata, history)
    ends = _ends(session, metadata, history, outcomes)
    small = _measured(version, way, session, history, ends, outcomes[ends], metadata)
    _require_close(small)
    return small


def register(workspace: Workspace, small: Smaller) -> Version:
    """A new version with the same files, the small graph beside them, which it serves.

    Its metrics stay those of the float32 graph, and say so.

    Raises:
        StorageError: when the disk refuses.
    """
    source, word = small.source, quantise.WAYS[small.way].word
    metadata = document.read(source.path / METADATA)
    said = {SERVES: small.name, PRECISION: word, SMALLER: small.to_json()}
    copies: dict[str, Callable[[Path], Any]] = {
        name: partial(shutil.copyfile, source.path / name) for name in verify(source.path)
    }
    files: dict[str, Callable[[Path], Any]] = {
        **copies,
        METADATA: partial(document.write, metadata | said),
        METRICS: partial(document.write, document.read(source.path / METRICS) | {"graph": GRAPH}),
        small.name: partial(_write_bytes, small.graph),
    }
    named = f"{metadata['version']}-{word}"
    return store.add(workspace, source.symbol, source.name, named, files)


def _measured(
    version: Version,
    way: str,
    session: Session,
    history: History,
    ends: Int64,
    outcomes: Float64,
    metadata: Mapping[str, Any],
) -> Smaller:
    """The graph made, and both asked for the same windows."""
    known: Way = quantise.WAYS[way]
    content = onnx_file.read(version.path / GRAPH)
    calibrating = sample(history.matrix(), ends, session.rows, CALIBRATING)
    graph = quantise.smaller(content, known, calibrating)
    name = f"model.{known.word}.onnx"
    onnx_file.require_plain(graph, name)
    exact, small = (
        closeness.answers(file, scoring.gathered(session, history, ends))
        for file in (content, graph)
    )
    scale = float(metadata["dataset"]["target_scale"][0])
    metric = TRIALS[session.unit].deciding
    exact_value, small_value = (
        metric.of(Outcome(one.signal, outcomes, history.price[ends], scale))
        for one in (exact, small)
    )
    return Smaller(
        version,
        graph,
        name,
        way,
        (len(content), len(graph)),
        len(ends),
        metric.name,
        (exact_value, small_value),
        closeness.closeness(exact, small, scale),
        history.sha256(),
    )


def _rows(
    config: TrainingConfig,
    metadata: Mapping[str, Any],
    workspace: Workspace,
    candles: Path | None,
    listen: Listener,
) -> History:
    spec = config.data if candles is None else config.data.of_file(candles)
    history = load_history(config.symbol, spec, workspace, listen)
    if history.synthetic and not metadata["synthetic"]:
        raise DataError(
            "the rows are simulated, those of the model were not",
            where=history.source,
            remedy="name the file it was trained on with --candles",
        )
    if history.sha256() != metadata["data_sha256"]:
        listen(Warned(f"{history.source} does not hold just the rows the model was trained on"))
    return history


def _ends(
    session: Session, metadata: Mapping[str, Any], history: History, outcomes: Float64
) -> Int64:
    """Rows of the validation period that end a whole window, and whose outcome is known."""
    first, last = metadata["dataset"]["periods"]["validation"]
    within = (history.time >= parse_time(first)) & (history.time <= parse_time(last))
    ends = scoring.whole(session, history)
    ends = ends[within[ends] & np.isfinite(outcomes[ends])]
    if len(ends) < FEWEST:
        raise DataError(
            f"{len(ends)} of the model's validation windows, {first} to {last}, are among these "
            f"rows; {FEWEST} are needed",
            where=history.source,
            remedy="name the file it was trained on with --candles",
        )
    return ends


def _require_close(small: Smaller) -> None:
    refused = [finding for finding in small.findings if not finding.passed]
    if refused:
        figures = "; ".join(
            f"{one.gate} {one.value:.2g}, at most {one.limit:g}, {one.words}" for one in refused
        )
        raise GateRefusedError(
            f"{small.way}: it is no smaller graph that answers alike: {figures}",
            where=small.source.reference,
            remedy="nothing was written; serve the float32 graph, or try another way",
            findings=[finding.to_json() for finding in small.findings],
        )


def _origin(version: Version, metadata: Mapping[str, Any]) -> str:
    """The model that a smaller one was made of."""
    return f"{version.symbol}/{version.name}/{metadata['version']}"


def _write_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)
