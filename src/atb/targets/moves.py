"""How far the mid price of a book moves, smoothed or not. Knows prices and sessions only."""

from __future__ import annotations

import numpy as np

from atb.errors import DataError
from atb.market.history import History
from atb.targets.labels import Float64, Int64, unbroken
from atb.targets.trailing import window_sums

BASIS_POINTS = 1e4
NOTHING = 1e-9  # basis points; what rounding leaves of two equal means is less


def smoothed(
    history: History, horizon: int, widths: tuple[int, int], max_gap: int
) -> tuple[Float64, Int64]:
    """The mean of the mids that end `horizon` rows ahead against that of those that end now.

    `10,000 * (after / before - 1)`: of `widths`, the first is how many mids `before` averages, up
    to row t, the second how many `after` does, up to row `t + horizon`.

    Returns:
        `[N]` float64 basis points, exactly 0 where nothing moved, and `[N]` int64 row
        `t + horizon`. NaN and N where a mid that would be averaged is missing, not in the history,
        or beyond a gap of more than `max_gap` rows, on either side.

    Raises:
        DataError: when a price is not above zero: nothing can be measured in shares of it.
    """
    n, price = len(history), history.price
    _require_positive(price, history)
    behind, ahead = widths
    first = unbroken(history, behind - 1 + horizon, max_gap)
    rows = first + behind - 1
    before = window_sums(price, behind)[first] / behind
    after = window_sums(price, ahead)[rows + horizon - ahead + 1] / ahead
    move = BASIS_POINTS * (after - before) / before
    move[np.abs(move) < NOTHING] = 0.0
    value, known_at = np.full(n, np.nan), np.full(n, n)
    value[rows] = move
    known_at[rows] = np.where(np.isnan(move), n, rows + horizon)
    return value, known_at


def _require_positive(price: Float64, history: History) -> None:
    wrong = np.flatnonzero(price <= 0)
    if len(wrong):
        raise DataError(
            f"{len(wrong)} of {len(price)} mid prices are not above zero, "
            f"row {wrong[0]} is {price[wrong[0]]:g}: a move cannot be a share of them",
            where=f"{history.symbol} from {history.source}",
            remedy="give the book with its prices as they were, not normalised",
        )
