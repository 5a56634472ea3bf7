"""What was traded, on which side, and how fast events came.

A feature is a function of T rows of a book, and of its parameters in the catalogue, to
`[B, T - lookback, width]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.causal import Series, ratio, total
from atb.features.levels import Levels

SHORTEST = 1e-3  # seconds between rows: below it, faster makes no difference


def trade_sign(levels: Levels) -> Series:
    """1 where a buyer took, -1 where a seller did, 0 where nothing was traded."""
    return ops.sign(levels.traded)


def trade_imbalance(levels: Levels, rows: int) -> Series:
    """Size that buyers took, less what sellers did, over all traded: -1 to 1."""
    return ratio(total(levels.traded, rows), total(ops.absolute(levels.traded), rows))


def trade_share(levels: Levels, rows: int) -> Series:
    """Share of the last `rows` rows in which something was traded: 0 to 1."""
    return total(ops.absolute(ops.sign(levels.traded)), rows) / rows


def traded_volume(levels: Levels, rows: int) -> Series:
    """Log of the size traded in the last `rows` rows."""
    return ops.log(1 + total(ops.absolute(levels.traded), rows))


def row_rate(levels: Levels, rows: int) -> Series:
    """Log of rows per second over the last `rows` rows."""
    return -ops.log(SHORTEST + total(levels.seconds, rows) / rows)
