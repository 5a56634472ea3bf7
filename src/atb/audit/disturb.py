"""The same history with other rows after some row, or in some rows: what an audit compares with.

Knows what the columns of candles, books and bonds are called, nothing of what is made from them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from atb.market.bonds.bonds import COLUMNS as DAYS
from atb.market.bonds.bonds import Bonds
from atb.market.candles import COLUMNS, Candles
from atb.market.history import History
from atb.market.lob.book import SIDES, Book

Bool = npt.NDArray[np.bool_]

EVERY_COLUMN = (*COLUMNS, *SIDES, "traded", *DAYS)


def columns(history: History) -> tuple[str, ...]:
    """Names of the kinds of columns that can be disturbed one by one."""
    if isinstance(history, Book):
        return (*SIDES, "traded")
    return history.columns


def after(
    history: History, rows: int, factor: float, only: tuple[str, ...] = EVERY_COLUMN
) -> History:
    """The history with everything after its first `rows` rows multiplied; times stay.

    Args:
        history: candles, a book or bonds of N rows.
        rows: how many rows stay as they are.
        factor: of all prices and sizes from then on, NaN to lose them.
        only: names of the columns that change.
    """
    return where(history, np.arange(len(history)) >= rows, factor, only)


def where(
    history: History, mask: Bool, factor: float, only: tuple[str, ...] = EVERY_COLUMN
) -> History:
    """The history with the rows of a mask `[N]` multiplied by a factor; times stay.

    Raises:
        TypeError: when it is none of these.
    """
    factors = np.where(mask, factor, 1.0)
    if isinstance(history, Candles):
        return replace(
            history, **{name: getattr(history, name) * factors for name in COLUMNS if name in only}
        )
    if isinstance(history, Book):
        chosen = np.tile([side in only for side in SIDES], history.depth)
        levels = history.levels * np.where(chosen, factors[:, np.newaxis], 1.0)
        traded = history.traded * factors if "traded" in only else history.traded
        return replace(history, levels=levels, traded=traded)
    if isinstance(history, Bonds):
        changed = np.isin(DAYS, only)
        values = history.values * np.where(changed, factors[:, np.newaxis], 1.0)
        return replace(history, values=values)
    raise TypeError(f"{type(history).__name__} is neither candles, a book nor bonds")
