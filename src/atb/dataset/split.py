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

    No label of train or validation windows spans a row that one of a later part spans; `embargo`
    further rows lie between them. Split chronologically, test comes last; in a fold of a
    cross-validation, train and validation windows may lie around test windows.
    """

    train: Int64
    validation: Int64
    test: Int64

    @property
    def ends(self) -> Int64:
        """Every end of the three parts, rising."""
        return np.sort(np.concatenate([self.train, self.validation, self.test]))


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
    parts = Split(
        train=ends[before(ends, known_at, slice(0, first), spec.embargo)],
        validation=ends[before(ends, known_at, slice(first, second), spec.embargo)],
        test=ends[second:],
    )
    require_windows(parts, f"{len(ends)} usable windows", "more data,")
    return parts


def require_windows(parts: Split, what: str, more: str) -> None:
    """Refuse a split with a part that is too small to say anything.

    Args:
        parts: the split.
        what: was split, for the message.
        more: or fewer of what would help, for the message.

    Raises:
        DataError: when a part holds fewer than `MINIMUM_WINDOWS` windows.
    """
    for name, part in vars(parts).items():
        if len(part) < MINIMUM_WINDOWS:
            raise DataError(
                f"{what} leave {len(part)} for {name}, fewer than {MINIMUM_WINDOWS}",
                remedy=f"give {more} or a shorter window, horizon or embargo",
            )


def before(ends: Int64, known_at: Int64, part: slice, embargo: int) -> Int64:
    """Positions of a part whose labels are known before the next window ends, less the embargo."""
    positions = np.arange(len(ends))[part]
    if part.stop >= len(ends):
        return positions
    kept: Int64 = positions[known_at[part] + embargo < ends[part.stop]]
    return kept
