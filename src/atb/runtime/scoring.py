"""Predictions of a registered model for every row of a history.

Knows sessions and rows; nothing of streams.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from atb.backtest.predictions import Predictions
from atb.clock import iso
from atb.errors import DataError
from atb.market.history import History
from atb.registry.onnx_shapes import BATCH
from atb.runtime.session import Session

Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

_LOG = logging.getLogger(__name__)


def score(model: Path, history: History) -> Predictions:
    """What a model says at each row that ends a whole window.

    Windows are gathered batch by batch and never stand in memory together. Rows of another
    symbol are allowed, with a warning in the log.

    Args:
        model: a model's folder; verified first.
        history: checked candles or books, counted in what the model was trained on.

    Returns:
        `[M]` predictions, M being the number of windows without a break.

    Raises:
        IntegrityError: when the folder is not what its manifest says, or the graph does not answer
            with finite numbers.
        DataError: when these are other rows than the model knows, or no window is whole.
    """
    return predictions(Session.open(model), history)


def predictions(session: Session, history: History) -> Predictions:
    """The same of an open session; errors are those of `score`."""
    ends = _ends(session, history)
    values = [session.run(windows) for windows in gathered(session, history, ends)]
    return Predictions(ends, np.concatenate(values), session.unit)


def observe(model: Path, history: History, start: int = 0) -> tuple[Predictions, Float32]:
    """The same for rows from `start` on, with the features that the graph computed of each.

    Args:
        model: a model's folder; verified first.
        history: checked candles or books, counted in what the model was trained on.
        start: first row to predict at; earlier ones only warm up.

    Returns:
        `[M]` predictions and `[M, F]` float32 unscaled features of their rows.

    Raises:
        IntegrityError: as `score` does, or when the graph gives no features.
        DataError: as `score` does, or when no window ends at or after `start`.
    """
    session = Session.open(model)
    ends = _ends(session, history)
    ends = ends[ends >= start]
    if len(ends) == 0:
        raise DataError(
            f"no whole window of {session.rows} rows ends at or after row {start} of "
            f"{len(history)}",
            where=history.source,
            remedy="give a longer range, or an earlier --start",
        )
    observed = [session.observe(windows) for windows in gathered(session, history, ends)]
    signals, features = (np.concatenate(parts) for parts in zip(*observed, strict=True))
    return Predictions(ends, signals, session.unit), features


def require_known(session: Session, history: History) -> None:
    """Refuse rows of another market, other columns, another timeframe or tick, or in disorder.

    Rows of another symbol are allowed, with a warning in the log.

    Raises:
        DataError: naming both sides.
    """
    given = {"market": history.kind, **history.facts(), "columns": ",".join(history.columns)}
    for name, fact in given.items():
        text = fact if isinstance(fact, str) else json.dumps(fact)
        if session.says.get(name) != text:
            raise DataError(
                f"the model was trained on {name} {session.says.get(name)}, this is {text}",
                where=history.source,
                remedy=f"give data of {name} {session.says.get(name)}",
            )
    falls = np.flatnonzero(np.diff(history.time) < 0)
    if len(falls):
        before, after = history.time[falls[0] : falls[0] + 2].tolist()
        raise DataError(
            f"the model takes rows oldest first, here row {falls[0] + 1} of {iso(after)} comes "
            f"after one of {iso(before)}",
            where=history.source,
            remedy="sort the rows by time",
        )
    if history.symbol != session.symbol:
        _LOG.warning("%s was trained on %s, not %s", session.path, session.symbol, history.symbol)


def whole(session: Session, history: History) -> Int64:
    """The rows at which a whole window of these rows ends, if any."""
    segments = history.segments(session.max_gap)
    ends = np.arange(session.rows - 1, len(history))
    whole: Int64 = ends[segments[ends] == segments[ends - session.rows + 1]]
    return whole


def _ends(session: Session, history: History) -> Int64:
    """The same of rows that the model knows; there is at least one."""
    require_known(session, history)
    ends = whole(session, history)
    if len(ends) == 0:
        raise DataError(
            f"no unbroken run of {session.rows} rows among {len(history)}",
            where=history.source,
            remedy="give a longer range",
        )
    return ends


def gathered(session: Session, history: History, ends: Int64) -> Iterator[Float32]:
    """The windows that end at these rows, `[BATCH, rows, C]` at a time."""
    matrix, offsets = history.matrix(), np.arange(1 - session.rows, 1)
    for i in range(0, len(ends), BATCH):
        yield matrix[ends[i : i + BATCH, np.newaxis] + offsets]
