"""How the two sides of the book differ, level by level: sizes and distances.

A feature is a function of T rows of a book, and of its parameters in the catalogue, to
`[B, T - lookback, width]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.causal import Series, contrast, squash
from atb.features.levels import Levels


def imbalance(levels: Levels, depth: int) -> Series:
    """Bid size against ask size at each of the best `depth` levels: -1 to 1."""
    return contrast(levels.bid_size[:, :, :depth], levels.ask_size[:, :, :depth])


def depth_imbalance(levels: Levels, depth: int) -> Series:
    """All bid size against all ask size of the best `depth` levels: -1 to 1."""
    bid, ask = (
        ops.sum(size[:, :, :depth], axis=-1, keepdims=True)
        for size in (levels.bid_size, levels.ask_size)
    )
    return contrast(bid, ask)


def skew(levels: Levels, level: int) -> Series:
    """How much farther the ask side reaches to a level than the bid side, squashed."""
    ask, bid = levels.ask_price, levels.bid_price
    asks = ask[:, :, level - 1 : level] - ask[:, :, :1]
    bids = bid[:, :, :1] - bid[:, :, level - 1 : level]
    return squash(asks - bids)
