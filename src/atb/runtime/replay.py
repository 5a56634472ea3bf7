"""A registered model traded on candles, or on a book, that it may never have seen.

Knows the model's folder and its serving graph; nothing of how it was trained.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atb.backtest import hooks
from atb.backtest.predictions import Predictions
from atb.backtest.result import Result
from atb.clock import iso, parse_time
from atb.config.trading import AnyTrading, Trading
from atb.config.training import from_json
from atb.errors import DataError, UsageError
from atb.events import Listener, Warned, silent
from atb.market.access import load_history
from atb.market.history import History
from atb.registry.integrity import verify
from atb.runtime.predictor import score
from atb.workspace import Workspace


@dataclass(frozen=True)
class Replay:
    """What came of it.

    Attributes:
        backtest: the trades' figures beside those of a naive rule.
        trading: the positions, threshold and costs they were made with.
        synthetic: whether the rows, or those the model learned from, were simulated.
    """

    backtest: Result
    trading: Trading
    synthetic: bool


def replay(
    model: Path,
    path: Path,
    *,
    start: str | None = None,
    end: str | None = None,
    trading: Mapping[str, Any] | None = None,
    listen: Listener = silent,
) -> Replay:
    """Trade a model's predictions on the candles, or the book, of a file.

    Args:
        model: the model's folder; every checksum is verified before anything is parsed.
        path: the file, with rows as the model knows them.
        start: first row to predict at, ISO 8601, UTC; earlier ones only warm up.
        end: rows before this time.
        trading: fields of the model's trading that shall differ from those it was judged with.
        listen: told when the rows begin within the period the model learned from, or are of
            another market as their file says.

    Raises:
        UsageError: for a field that the model's trading does not have.
        IntegrityError: when the folder is not what its manifest says.
        DataError: when the rows are damaged, or none completes a window.
    """
    verify(model)
    config = from_json((model / "config.json").read_text(), str(model / "config.json"))
    metadata = json.loads((model / "metadata.json").read_text())
    spec = _changed(config.trading, trading or {}).over(config.target.horizons[0])
    data = config.data.of_file(path)
    found = _before(load_history(config.symbol, data, Workspace(Path()), listen), end)
    predictions = _since(score(model, found), found, start)
    first = int(found.close_time[predictions.rows[0]])
    last_seen = metadata["learned_until"]
    if first < parse_time(last_seen):
        listen(Warned(f"the model learned from rows up to {last_seen}; trust only later ones"))
    backtest = hooks.find(spec)(predictions, found, spec)
    return Replay(backtest, spec, found.synthetic or metadata["synthetic"])


def _changed(trading: AnyTrading, given: Mapping[str, Any]) -> AnyTrading:
    """How the model was judged, but for the fields that are given."""
    own = trading.model_dump()
    for name in given.keys() - own.keys():
        raise UsageError(
            f"{trading.way}: there is no such setting", where=f"--{name}", remedy="leave it out"
        )
    return type(trading).of(**{**own, **given})


def _before(history: History, end: str | None) -> History:
    """The rows before a time."""
    if end is None:
        return history
    return history.rows(0, int(np.searchsorted(history.time, parse_time(end), "left")))


def _since(predictions: Predictions, history: History, start: str | None) -> Predictions:
    """The predictions made at rows from `start` on; earlier rows only warm up."""
    if start is None:
        return predictions
    kept = history.time[predictions.rows] >= parse_time(start)
    if not kept.any():
        raise DataError(
            f"no prediction is made at or after {start}",
            where=history.source,
            remedy=f"the last row is of {iso(int(history.time[-1]))}; give an earlier --start",
        )
    return Predictions(predictions.rows[kept], predictions.value[kept], predictions.unit)
