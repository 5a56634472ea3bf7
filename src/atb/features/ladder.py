"""Whole ladders of price levels, in the order ask price, ask size, bid price, bid size.

A feature is a function of T rows of a book, and of its parameters in the catalogue, to
`[B, T - lookback, width]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.causal import Series, aligned, average, delay, moments, total
from atb.features.levels import SIDES, Levels

LEAST_DEVIATION = 1e-3  # far below any of prices in ticks; keeps a book of equal sizes finite


def raw(levels: Levels, depth: int) -> Series:
    """The best `depth` levels as they are."""
    return levels.ladder[:, :, : SIDES * depth]


def normalised(levels: Levels, depth: int, rows: int) -> Series:
    """The best `depth` levels as z-scores by the `rows` rows before the present one.

    All prices share one mean and deviation, and so do all sizes, after `ln(1 + size)`: the shape
    of the book survives, and weights that are shared between levels meet one unit.
    """
    ladder = raw(levels, depth)
    prices = _by_earlier(ladder[:, :, 0::2], rows)
    sizes = _by_earlier(ops.log(1 + ladder[:, :, 1::2]), rows)
    pairs = ops.stack([prices, sizes], axis=-1)
    return ops.reshape(pairs, (-1, ops.shape(pairs)[1], SIDES * depth))


def _by_earlier(columns: Series, rows: int) -> Series:
    """Columns by the mean and deviation of all of them together in the rows before.

    Everything is measured from the first column, and that from itself at another time: the level
    of prices cancels exactly.
    """
    first = columns[:, :, :1]
    centre = average(columns - first)
    within = average(ops.square(columns - first - centre))

    def moved(n: int) -> Series:
        return (first[:, n:] - first[:, :-n]) + (centre[:, n:] - centre[:, :-n])

    offset, between = moments(moved, rows)
    variance = between + total(within, rows) / rows
    now = columns[:, 1:]
    earlier = (delay(series, 1) for series in (first, centre, offset, variance))
    now, first, centre, offset, variance = aligned(now, *earlier)
    deviation = ops.maximum(ops.sqrt(variance), LEAST_DEVIATION)
    return (now - first - (centre + offset)) / deviation
