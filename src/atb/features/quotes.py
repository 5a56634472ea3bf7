"""The best bid and ask: spread, mid price, weighted mid and queues.

A feature is a function of T rows of a book, and of its parameters in the catalogue, to
`[B, T - lookback, width]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.causal import Series, contrast, squash, total
from atb.features.levels import Levels


def spread(levels: Levels) -> Series:
    """Best ask minus best bid, squashed."""
    return squash(levels.spread)


def weighted_mid(levels: Levels) -> Series:
    """Mean of bid and ask, each weighted by the other's size, minus the mid price, squashed."""
    sizes = contrast(levels.bid_size[:, :, :1], levels.ask_size[:, :, :1])
    return squash(levels.spread / 2 * sizes)


def queues(levels: Levels) -> Series:
    """Log of the sizes at the best ask and the best bid."""
    best = ops.concatenate([levels.ask_size[:, :, :1], levels.bid_size[:, :, :1]], axis=-1)
    return ops.log(1 + best)


def mid_change(levels: Levels, rows: int) -> Series:
    """Mid price minus the mid price `rows` rows before, squashed."""
    return squash(levels.mid_change(rows))


def mid_volatility(levels: Levels, rows: int) -> Series:
    """Log of the root mean square of the mid price's changes from row to row."""
    squares = total(ops.square(levels.mid_change(1)), rows)
    return ops.log(1 + ops.sqrt(squares / rows))
