"""From a target's spec to its labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from atb.config.targets import Target
from atb.market.candles import Candles
from atb.targets import direction, forward_return, ternary, triple_barrier, volatility
from atb.targets.labels import Labels

BUILDERS: Mapping[str, Callable[[Any, Candles, int], Labels]] = {
    "return": forward_return.build,
    "direction": direction.build,
    "ternary": ternary.build,
    "triple_barrier": triple_barrier.build,
    "volatility": volatility.build,
}


def build(spec: Target, candles: Candles, max_gap: int = 0) -> Labels:
    """Labels of every bar; none reaches across a gap of more than `max_gap` missing bars."""
    return BUILDERS[spec.kind](spec, candles, max_gap)
