"""Time-ordered split of window ends, purged by the row at which each label becomes known.

Knows integers only: ends, and when each end's label is known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.config.dataset import DatasetSpec
from atb.errors import DataError

Int64 = npt.NDArray[np.int64]

MINIMUM_WINDOWS = 64  # fewer in a part carry no statement about a model


@dataclass(frozen=True)
class Split:
    """Window ends (rows) of the three parts, each rising, none shared.

    Every label of a part is known, and `embargo` further rows have passed, before the first window
    of the next part ends.
    """

    train: Int64
    validation: Int64
    test: Int64

    @property
    def ends(self) -> Int64:
        """Every end of the three parts, rising."""
        return np.concatenate([self.train, self.validation, self.test])


def require_rows(
    rows: int, reach: int, horizon: int, spec: DatasetSpec, *, where: str, more: str
) -> None:
    """Refuse a history that cannot fill the three parts, before anything slow starts.

    Args:
        rows: at hand.
        reach: rows one window depends on, window and lookback.
        horizon: rows until a label is known.
        spec: the shares and the embargo in rows.
        where: the file or source, for the message.
        more: how to get more rows, for the message.

    Raises:
        DataError: when there are too few even without a gap.
    """
    purged = MINIMUM_WINDOWS + horizon + spec.embargo
    last = MINIMUM_WINDOWS / (1 - spec.train - spec.validation)
    windows = max(purged / spec.train, purged / spec.validation, last)
    needed = reach + horizon + math.ceil(windows) + 2  # two cuts are rounded
    if rows < needed:
        raise DataError(
            f"{rows} rows are too few: this recipe needs at least {needed}",
            where=where,
            remedy=f"{more} or a shorter --sequence-length",
        )


def chronological(ends: Int64, known_at: Int64, spec: DatasetSpec) -> Split:
    """Split rising `ends` in time order.

    Args:
        ends: `[M]` int64 rows at which usable windows end.
        known_at: `[M]` int64 row at which the label of each is known.
        spec: the shares and the embargo in rows.

    Raises:
        DataError: when a part would hold fewer than `MINIMUM_WINDOWS` windows.
    """
    first = round(len(ends) * spec.train)
    second = round(len(ends) * (spec.train + spec.validation))
    parts = {
        "train": _purged(ends, known_at, slice(0, first), spec.embargo),
        "validation": _purged(ends, known_at, slice(first, second), spec.embargo),
        "test": ends[second:],
    }
    for name, part in parts.items():
        if len(part) < MINIMUM_WINDOWS:
            raise DataError(
                f"{len(ends)} usable windows leave {len(part)} for {name}, "
                f"fewer than {MINIMUM_WINDOWS}",
                remedy="give more data, or a shorter window, horizon or embargo",
            )
    return Split(**parts)


def _purged(ends: Int64, known_at: Int64, part: slice, embargo: int) -> Int64:
    """The part's ends whose labels are known before the next part begins, less the embargo."""
    if part.stop >= len(ends):
        return ends[part]
    kept: Int64 = ends[part][known_at[part] + embargo < ends[part.stop]]
    return kept
