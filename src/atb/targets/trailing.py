"""Volatility of the last bars, which labels are measured by. Knows prices, looks only back."""

from __future__ import annotations

import numpy as np

from atb.market.history import History
from atb.targets.labels import Float64, unbroken


def volatility(history: History, span: int, max_gap: int) -> Float64:
    """Root mean square of the last `span` one-bar log returns at the close of each bar.

    Returns:
        `[N]` float64 per bar; NaN before `span` returns since the last gap of more than `max_gap`
        missing bars, and where the price did not move, because nothing can be measured by that.
    """
    found = np.full(len(history), np.nan)
    rows = unbroken(history, span, max_gap)
    squares = window_sums(squared_returns(history.price), span)[rows]
    found[rows + span] = np.sqrt(np.where(squares > 0, squares, np.nan) / span)
    return found


def squared_returns(close: Float64) -> Float64:
    """`[N - 1]` squared one-bar log returns of closes `[N]`; the first leads to the second bar."""
    squares: Float64 = np.diff(np.log(close)) ** 2
    return squares


def window_sums(values: Float64, width: int) -> Float64:
    """Sums of every `width` neighbouring values, `[M]` to `[M - width + 1]`.

    Blocks of 1, 2, 4, ... values are added up, so that each sum depends on its own values alone
    and no difference of two large sums loses the small ones.

    >>> window_sums(np.array([1.0, 2.0, 3.0, 4.0]), 3).tolist()
    [6.0, 9.0]
    """
    count = max(len(values) - width + 1, 0)
    total, block = np.zeros(count), values
    size, done = 1, 0
    while done < width:
        if width & size:
            total = total + block[done : done + count]
            done += size
        block = block[:-size] + block[size:]
        size *= 2
    return total
