"""The change of a bond's price against its fair value over the next days."""

from __future__ import annotations

from atb.config.targets import FairValueChangeTarget
from atb.market.history import History
from atb.targets.labels import Labels, by_horizon, forward_log_return


def build(spec: FairValueChangeTarget, history: History, max_gap: int = 0) -> Labels:
    """Log of what is made beyond carry and roll-down over each horizon, known on its last day."""
    columns = [forward_log_return(history, horizon, max_gap) for horizon in spec.horizons]
    return by_horizon(columns, spec.classes)
