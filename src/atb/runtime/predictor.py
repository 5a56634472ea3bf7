"""Predictions of a registered model for every bar of some candles."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from atb.backtest.predictions import Predictions
from atb.errors import DataError
from atb.market.candles import Candles
from atb.runtime.session import Session

BATCH = 512

_LOG = logging.getLogger(__name__)


def score(model: Path, candles: Candles) -> Predictions:
    """What a model says at each bar that ends a whole window.

    Windows are gathered batch by batch and never stand in memory together. Candles of another
    symbol are allowed, with a warning in the log.

    Args:
        model: a model's folder; verified first.
        candles: any candles of the model's timeframe, checked.

    Returns:
        `[M]` predictions, M being the number of windows without a gap.

    Raises:
        IntegrityError: when the folder is not what its manifest says, or the graph does not answer
            with finite numbers.
        DataError: when the timeframe is another, or no window is whole.
    """
    session = Session.open(model)
    _require_timeframe(session, candles)
    if candles.symbol != session.symbol:
        _LOG.warning("%s was trained on %s, not %s", model, session.symbol, candles.symbol)
    segments = candles.segments(session.max_gap)
    ends = np.arange(session.rows - 1, len(candles))
    ends = ends[segments[ends] == segments[ends - session.rows + 1]]
    if len(ends) == 0:
        raise DataError(
            f"no unbroken run of {session.rows} candles among {len(candles)}",
            where=candles.source,
            remedy="give a longer range",
        )
    matrix, offsets = candles.matrix(), np.arange(1 - session.rows, 1)
    values = [
        session.run(matrix[ends[i : i + BATCH, np.newaxis] + offsets])
        for i in range(0, len(ends), BATCH)
    ]
    return Predictions(ends, np.concatenate(values), session.unit)


def _require_timeframe(session: Session, candles: Candles) -> None:
    if candles.timeframe != session.timeframe:
        raise DataError(
            f"the model was trained on {session.timeframe} bars, these are {candles.timeframe}",
            where=candles.source,
            remedy=f"give candles of {session.timeframe}",
        )
