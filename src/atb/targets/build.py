"""From a target's spec to its labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from atb.config.targets import Target
from atb.market.history import History
from atb.targets import (
    direction,
    fair_value_change,
    forward_return,
    mid_change,
    mid_price,
    ternary,
    triple_barrier,
    volatility,
)
from atb.targets.labels import Labels

BUILDERS: Mapping[str, Callable[[Any, Any, int], Labels]] = {
    "return": forward_return.build,
    "direction": direction.build,
    "ternary": ternary.build,
    "triple_barrier": triple_barrier.build,
    "volatility": volatility.build,
    "mid_price": mid_price.build,
    "mid_change": mid_change.build,
    "fair_value_change": fair_value_change.build,
}


def build(spec: Target, history: History, max_gap: int = 0) -> Labels:
    """Labels of every row; none reaches across a gap of more than `max_gap` missing rows.

    `history` is of the market of the target, see `spec.market`.
    """
    return BUILDERS[spec.kind](spec, history, max_gap)
