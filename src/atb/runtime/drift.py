"""A registered model on later rows: whether they, its predictions and its errors have drifted.

Knows the model's folder and its serving graph; nothing of how it was trained, nor of what makes a
drift.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.clock import iso, parse_time
from atb.config.training import TrainingConfig, from_json
from atb.errors import DataError, IntegrityError
from atb.events import Listener, Warned, silent
from atb.market.access import load_history
from atb.market.history import History
from atb.monitor.drift import Drift, Monitor
from atb.monitor.profile import Profile
from atb.registry import document
from atb.registry.integrity import verify
from atb.runtime import scoring
from atb.targets.build import build
from atb.workspace import Workspace

Float64 = npt.NDArray[np.float64]

PROFILE = "profile.json"


@dataclass(frozen=True)
class Watched:
    """What came of it.

    Attributes:
        drift: the verdict and everything behind it.
        first: time of the first row that was predicted at, ISO 8601, UTC.
        last: of the last.
        changed: when the level of errors was last seen to have changed: time of the row whose
            outcome showed it; None for never.
        synthetic: whether the rows, or those the model learned from, were simulated.
    """

    drift: Drift
    first: str
    last: str
    changed: str | None
    synthetic: bool

    def to_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        own = {"first": self.first, "last": self.last, "changed": self.changed}
        return {**self.drift.to_json(), **own, "synthetic": self.synthetic}


def watch(
    model: Path,
    path: Path,
    *,
    start: str | None = None,
    end: str | None = None,
    listen: Listener = silent,
) -> Watched:
    """Compare the rows of a file, and what a model makes of them, with the model's profile.

    Args:
        model: the model's folder; every checksum is verified before anything is parsed.
        path: candles, or a book, as the model knows them.
        start: first row to predict at, ISO 8601, UTC; earlier ones only warm up. By default the
            first after its test rows, which predictions and errors are compared with.
        end: rows before this time.
        listen: told when rows are among those that the model learned from or was judged on.

    Raises:
        IntegrityError: when the folder is not what its manifest says, or holds no profile.
        DataError: when the rows are damaged, or none completes a window.
    """
    verify(model)
    monitor = Monitor(read_profile(model / PROFILE))
    config = from_json((model / "config.json").read_text(), str(model / "config.json"))
    metadata = document.read(model / "metadata.json")
    found = load_history(config.symbol, config.data.of_file(path), Workspace(Path()), listen)
    found = found if end is None else found.rows(0, _first_from(found, end))
    first = _first(found, start, metadata["dataset"]["periods"]["test"][1], listen)
    predictions, features = scoring.observe(model, found, first)
    rows, outcomes = predictions.rows, outcomes_of(config, metadata, found)
    known = np.isfinite(outcomes[rows])
    monitor.observe(features, predictions.value)
    monitor.mature(predictions.value[known], outcomes[rows[known]])
    drift = monitor.report()
    at = None if drift.errors is None else drift.errors.changed_at
    return Watched(
        drift,
        iso(int(found.time[rows[0]])),
        iso(int(found.time[rows[-1]])),
        None if at is None else iso(int(found.time[rows[known][at]])),
        found.synthetic or metadata["synthetic"],
    )


def read_profile(path: Path) -> Profile:
    """The profile in a file whose checksum holds.

    Raises:
        IntegrityError: when there is none, or it is not of the known form.
    """
    try:
        return Profile.from_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"there is no profile to compare with ({type(error).__name__}: {error})",
            where=str(path),
            remedy="train the model again",
        ) from error


def _first_from(history: History, time: str) -> int:
    """Position of the first row at or after a time; how many there are where none is."""
    return int(np.searchsorted(history.time, parse_time(time), "left"))


def _first(history: History, start: str | None, judged_until: str, listen: Listener) -> int:
    """Position of the first row to predict at; test rows would be compared with themselves."""
    unseen = int(np.searchsorted(history.time, parse_time(judged_until), "right"))
    first = unseen if start is None else _first_from(history, start)
    if first >= len(history):
        raise DataError(
            f"no row comes at or after {start}"
            if start
            else f"the model was trained and judged on all of its rows, up to {judged_until}",
            where=history.source,
            remedy="give newer rows, or an earlier --start",
        )
    if first < unseen:
        listen(
            Warned(
                f"the model was trained and judged on rows up to {judged_until}; "
                "trust only later ones"
            )
        )
    return first


def outcomes_of(config: TrainingConfig, metadata: Mapping[str, Any], history: History) -> Float64:
    """`[N]` what came true of each row over the horizon that is traded; NaN where it is unknown."""
    labels = build(config.target, history, config.dataset.max_gap)
    if labels.pending:  # classes by thresholds that train rows had said
        labels = labels.cut(np.array(metadata["dataset"]["thresholds"]))
    outcomes: Float64 = labels.value[:, 0]
    return outcomes
