"""Order flow: size that came to each side of the book, at the best level or at several.

A feature is a function of T rows of a book, and of its parameters in the catalogue, to
`[B, T - lookback, width]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.causal import Series, squash, total
from atb.features.levels import Levels


def ofi(levels: Levels, rows: int) -> Series:
    """Order-flow imbalance at the best level over the last `rows` rows, squashed."""
    return mlofi(levels, 1, rows)


def mlofi(levels: Levels, depth: int, rows: int) -> Series:
    """Order-flow imbalance at each of the best `depth` levels over the last rows, squashed."""
    return squash(total(levels.flow_imbalance[:, :, :depth], rows))


def of(levels: Levels, depth: int) -> Series:
    """Ask flow and bid flow of each of the best `depth` levels since the row before, squashed."""
    pairs = ops.stack([levels.ask_flow[:, :, :depth], levels.bid_flow[:, :, :depth]], axis=-1)
    return squash(ops.reshape(pairs, (-1, ops.shape(pairs)[1], 2 * depth)))
