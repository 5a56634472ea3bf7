"""Labels: the value to predict at each row and the row at which it becomes known.

Purging reads `known_at`, so a label that looks further ahead purges itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from atb.errors import DataError
from atb.market.history import History

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

STATIONARY = 1 / 3  # share of train rows that balanced thresholds leave in the middle


@dataclass(frozen=True)
class Labels:
    """N labels, one per row, of K horizons each.

    Attributes:
        value: `[N, K]` float64 quantity, or index of the class; NaN where no label exists.
        known_at: `[N]` int64 row at whose close all K are known; N for never.
        classes: number of classes, 1 for a quantity.
        pending: the K horizons where `value` still holds moves in basis points, which become
            classes when train rows have said at which thresholds; else empty.
        thresholds: `[K]` float64 basis points beyond which a move is down or up; None where labels
            have no such thresholds, or not yet.
    """

    value: Float64
    known_at: Int64
    classes: int
    pending: tuple[int, ...] = ()
    thresholds: Float64 | None = None

    def settled(self, train: Int64) -> Labels:
        """These labels as they are learned from: moves that are pending become classes.

        The threshold of each horizon is what a third of the moves of train rows does not exceed:
        0 where more than a third did not move at all. Where many moves are exactly that, it is the
        next smaller one if this leaves nearer to a third flat. Other rows have no say.

        Raises:
            ValueError: when a train row has no label.
            DataError: when no train row is of one of the classes.
        """
        if not self.pending:
            return self
        moves = np.abs(self.value[train])
        if not np.isfinite(moves).all():
            raise ValueError(f"{np.isnan(moves).any(axis=1).sum()} train rows have no label")
        settled = self.cut(np.array([_balanced(column) for column in moves.T]))
        for horizon, column in zip(self.pending, settled.value[train].T, strict=True):
            _require_all_classes(column, horizon)
        return settled

    def cut(self, thresholds: Float64) -> Labels:
        """Moves as classes: 0 down, 1 flat, 2 up; a move exactly at its threshold `[K]` is flat."""
        classes = 1.0 + (self.value > thresholds) - (self.value < -thresholds)
        value = np.where(np.isnan(self.value), np.nan, classes)
        return replace(self, value=value, pending=(), thresholds=thresholds)

    def scaling(self, rows: Int64) -> tuple[Float64, Float64]:
        """Scale and offset `[K]` from these rows only, with `value = fitted * scale + offset`.

        Quantities are fitted with mean 0 and deviation 1, classes as they are.
        """
        if self.classes > 1:
            columns = self.value.shape[1]
            return np.ones(columns), np.zeros(columns)
        values = self.value[rows]
        deviation = values.std(axis=0)
        return np.where(deviation > 0, deviation, 1.0), values.mean(axis=0)


def _balanced(moves: Float64) -> float:
    """The size that a third of the sizes of moves `[M]` does not exceed, or the next smaller."""
    threshold = float(np.quantile(moves, STATIONARY))
    smaller = moves[moves < threshold]
    too_many = np.mean(moves <= threshold) - STATIONARY
    too_few = STATIONARY - len(smaller) / len(moves)
    atom = np.count_nonzero(moves == threshold) > 1
    return float(smaller.max()) if atom and len(smaller) and too_few < too_many else threshold


def _require_all_classes(classes: Float64, horizon: int) -> None:
    for index, name in enumerate(("down", "flat", "up")):
        if not np.any(classes == index):
            raise DataError(
                f"none of {len(classes):,} train rows is {name} over the next {horizon} rows",
                where="target.threshold 'balanced'",
                remedy="take a longer target.horizon, or a target.threshold in basis points",
            )


def by_horizon(columns: list[tuple[Float64, Int64]], classes: int) -> Labels:
    """Labels from the value `[N]` and the row `[N]` at which it is known, of each horizon."""
    values, known = zip(*columns, strict=True)
    return Labels(np.stack(values, axis=1), np.max(known, axis=0), classes)


def unbroken(history: History, rows: int, max_gap: int) -> Int64:
    """Rows from which `rows` further ones follow without a gap of more than `max_gap` rows."""
    segment = history.segments(max_gap)
    return np.flatnonzero(segment[rows:] == segment[: max(len(history) - rows, 0)])


def forward_log_return(history: History, horizon: int, max_gap: int) -> tuple[Float64, Int64]:
    """`log(price[t + horizon] / price[t])` and the row `t + horizon`.

    NaN and N where the future is not in the history, or lies beyond a gap of more than `max_gap`
    missing rows.
    """
    n, price = len(history), history.price
    value, known_at = np.full(n, np.nan), np.full(n, n)
    rows = unbroken(history, horizon, max_gap)
    value[rows] = np.log(price[rows + horizon] / price[rows])
    known_at[rows] = rows + horizon
    return value, known_at
