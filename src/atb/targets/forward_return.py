"""The log return of the close over the next bars."""

from __future__ import annotations

from atb.config.targets import ReturnTarget
from atb.market.history import History
from atb.targets.labels import Labels, by_horizon, forward_log_return


def build(spec: ReturnTarget, history: History, max_gap: int = 0) -> Labels:
    """Forward log return over each horizon, known at the close of its last bar."""
    columns = [forward_log_return(history, horizon, max_gap) for horizon in spec.horizons]
    return by_horizon(columns, spec.classes)
