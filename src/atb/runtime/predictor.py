"""Predictions of a registered model for every row of a history."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np

from atb.backtest.predictions import Predictions
from atb.errors import DataError
from atb.market.history import History
from atb.runtime.session import Session

BATCH = 512

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
    session = Session.open(model)
    _require_known_rows(session, history)
    if history.symbol != session.symbol:
        _LOG.warning("%s was trained on %s, not %s", model, session.symbol, history.symbol)
    segments = history.segments(session.max_gap)
    ends = np.arange(session.rows - 1, len(history))
    ends = ends[segments[ends] == segments[ends - session.rows + 1]]
    if len(ends) == 0:
        raise DataError(
            f"no unbroken run of {session.rows} rows among {len(history)}",
            where=history.source,
            remedy="give a longer range",
        )
    matrix, offsets = history.matrix(), np.arange(1 - session.rows, 1)
    values = [
        session.run(matrix[ends[i : i + BATCH, np.newaxis] + offsets])
        for i in range(0, len(ends), BATCH)
    ]
    return Predictions(ends, np.concatenate(values), session.unit)


def _require_known_rows(session: Session, history: History) -> None:
    """Refuse rows of another market, other columns, another timeframe or tick."""
    given = {"market": history.kind, **history.facts(), "columns": ",".join(history.columns)}
    for name, fact in given.items():
        text = fact if isinstance(fact, str) else json.dumps(fact)
        if session.says.get(name) != text:
            raise DataError(
                f"the model was trained on {name} {session.says.get(name)}, this is {text}",
                where=history.source,
                remedy=f"give data of {name} {session.says.get(name)}",
            )
