"""The change of the mid price of a book over the next events."""

from __future__ import annotations

from atb.config.targets import MidChangeTarget
from atb.market.history import History
from atb.targets.labels import Labels, by_horizon
from atb.targets.moves import smoothed

UNSMOOTHED = (1, 1)


def build(spec: MidChangeTarget, history: History, max_gap: int = 0) -> Labels:
    """Change of the mid over each horizon in basis points of the present one.

    Raises:
        DataError: when a mid price is not above zero.
    """
    columns = [smoothed(history, horizon, UNSMOOTHED, max_gap) for horizon in spec.horizons]
    return by_horizon(columns, spec.classes)
