"""Whether the smoothed mid price of a book will be lower, about the same or higher."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from atb.config.targets import MidPriceTarget
from atb.market.history import History
from atb.targets.labels import Labels, by_horizon
from atb.targets.moves import smoothed

# How many mids the means behind and ahead of a row take, from the horizon and `length`.
WIDTHS: Mapping[str, Callable[[int, int], tuple[int, int]]] = {
    "ahead": lambda horizon, _length: (1, horizon),
    "both": lambda horizon, _length: (horizon, horizon),
    "apart": lambda horizon, length: (min(length, horizon), min(length, horizon)),
}


def build(spec: MidPriceTarget, history: History, max_gap: int = 0) -> Labels:
    """0 down, 1 flat or 2 up: the smoothed move over each horizon against a threshold.

    Known at the last row that the mean ahead reads, `horizon` rows on; the mean behind reads the
    past alone. The published forms are in `MidPriceTarget`. Labels that are to be balanced hold
    the moves, in basis points, until `Labels.settled`.

    Raises:
        DataError: when a mid price is not above zero.
    """
    widths = WIDTHS[spec.smoothing]
    columns = [smoothed(history, h, widths(h, spec.length), max_gap) for h in spec.horizons]
    moves = replace(by_horizon(columns, spec.classes), pending=spec.horizons)
    if spec.threshold == "balanced":
        return moves
    return moves.cut(np.full(len(spec.horizons), float(spec.threshold)))
