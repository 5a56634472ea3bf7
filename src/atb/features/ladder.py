"""Whole ladders of price levels, in the order ask price, ask size, bid price, bid size.

A feature is a function of T rows of a book, and of its parameters in the catalogue, to
`[B, T - lookback, width]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.causal import Series, aligned, delay, difference, moments
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
    both = ops.stack([ladder[:, :, 0::2], ops.log(1 + ladder[:, :, 1::2])], axis=2)
    # Measured from the first column, and that from itself at another time: exact in ticks.
    first = both[:, :, :, 0]
    beyond = both - first[..., None]
    centre = ops.mean(beyond, axis=-1)
    within = ops.mean(ops.square(beyond - centre[..., None]), axis=-1)
    offset, variance = moments(difference(first) + difference(centre), within, rows)
    earlier = (delay(series, 1) for series in (first, centre, offset, variance))
    now, first, centre, offset, variance = aligned(both[:, 1:], *earlier)
    deviation = ops.maximum(ops.sqrt(variance), LEAST_DEVIATION)
    scores = (now - first[..., None] - (centre + offset)[..., None]) / deviation[..., None]
    pairs = ops.transpose(scores, (0, 1, 3, 2))
    return ops.reshape(pairs, (-1, ops.shape(pairs)[1], SIDES * depth))
