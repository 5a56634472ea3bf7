"""The log return of the close over the next bars."""

from __future__ import annotations

from atb.config.targets import ReturnTarget
from atb.market.candles import Candles
from atb.targets.labels import Labels, forward_log_return


def build(spec: ReturnTarget, candles: Candles, max_gap: int = 0) -> Labels:
    """Forward log return over `spec.horizon` bars, known at the close of the last of them."""
    value, known_at = forward_log_return(candles, spec.horizon, max_gap)
    return Labels(value, known_at, scaled=True)
