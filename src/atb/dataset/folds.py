"""The folds of a cross-validation: groups of window ends that are test windows in turn.

What a fold learns from is purged on both sides of its test groups by the row at which each label is
known, and embargoed (López de Prado, Advances in Financial Machine Learning, 2018, chapters 7 and
12). Knows integers only: ends, and when each end's label is known.
"""

from __future__ import annotations

from itertools import combinations, islice

import numpy as np

from atb.config.dataset import DatasetSpec
from atb.config.folds import FoldSpec
from atb.dataset.split import Int64, Split, before, require_windows
from atb.errors import DataError

WALKS = ("walk-forward", "expanding")  # they learn from what lies before their test group alone


def split(ends: Int64, known_at: Int64, spec: DatasetSpec) -> Split:
    """Train, validation and test windows of one fold.

    Validation is the last share of what is learned from, as large a part of it as the shares of
    train and validation say, and purged and embargoed from the rest.

    Args:
        ends: `[M]` int64 rows at which usable windows end, rising.
        known_at: `[M]` int64 row at which the label of each is known.
        spec: the fold, the shares and the embargo in rows.

    Raises:
        ValueError: when the spec has no fold.
        DataError: when a part would hold too few windows.
    """
    fold = spec.fold
    if fold is None:
        raise ValueError("the spec has no fold")
    if fold.before_test:
        first = round(len(ends) * (spec.train + spec.validation))
        kept = before(ends, known_at, slice(0, first), spec.embargo)
        ends, known_at = ends[kept], known_at[kept]
    bounds = boundaries(len(ends), fold)
    groups = under_test(fold)
    pool = _purged(ends, known_at, bounds[groups], learned_from(fold, bounds), spec.embargo)
    cut = round(len(pool) * spec.train / (spec.train + spec.validation))
    train = before(ends[pool], known_at[pool], slice(0, cut), spec.embargo)
    parts = Split(
        train=ends[pool][train],
        validation=ends[pool[cut:]],
        test=np.concatenate([ends[start:stop] for start, stop in bounds[groups]]),
    )
    what = f"{len(ends)} usable windows, fold {fold.number + 1} of {fold.count},"
    require_windows(parts, what, "more data, fewer splits,")
    return parts


def require_rows(rows: int, reach: int, horizon: int, spec: DatasetSpec, *, where: str) -> None:
    """Refuse a history that cannot fill the parts of a fold, before anything slow starts.

    Args:
        rows: at hand.
        reach: rows one window depends on, window and lookback.
        horizon: rows until a label is known.
        spec: the fold, the shares and the embargo in rows.
        where: the file or source, for the message.

    Raises:
        ValueError: when the spec has no fold.
        DataError: when there are too few even without a gap.
    """
    ends = np.arange(reach - 1, max(reach - 1, rows - horizon))
    try:
        split(ends, ends + horizon, spec)
    except DataError as error:
        what = f"{rows} rows are too few: {error.what}"
        raise DataError(what, where=where, remedy=error.remedy) from error


def boundaries(windows: int, fold: FoldSpec) -> Int64:
    """`[G, 2]` first and one past the last window of each group, as equal as can be.

    As scikit-learn's `KFold` does, the first groups are one larger where it does not come out even.
    """
    groups = fold.splits + (fold.scheme in WALKS)
    sizes = np.full(groups, windows // groups)
    sizes[: windows % groups] += 1
    stops = np.cumsum(sizes)
    return np.stack([stops - sizes, stops], axis=1)


def under_test(fold: FoldSpec) -> list[int]:
    """Numbers of the groups that are test windows in a fold, rising."""
    if fold.scheme == "combinatorial":
        chosen = combinations(range(fold.splits), fold.tested)
        return list(next(islice(chosen, fold.number, None)))
    return [fold.number + 1 if fold.scheme in WALKS else fold.number]


def learned_from(fold: FoldSpec, bounds: Int64) -> slice:
    """The windows a fold may learn from, its test groups and what is purged included."""
    last = int(bounds[-1, 1])
    if fold.scheme not in WALKS:
        return slice(0, last)
    first = int(bounds[fold.number, 0]) if fold.scheme == "walk-forward" else 0
    return slice(first, int(bounds[fold.number, 1]))


def _purged(ends: Int64, known_at: Int64, groups: Int64, allowed: slice, embargo: int) -> Int64:
    """Positions of allowed windows whose labels share no row with one of a tested group.

    A label spans the rows from its window's end to the row at which it is known; `embargo` more
    rows lie between it and the group.
    """
    free = np.zeros(len(ends), bool)
    free[allowed] = True
    for start, stop in groups:
        if start < stop:
            earlier = known_at + embargo < ends[start]
            later = ends > known_at[start:stop].max() + embargo
            free &= earlier | later
    return np.flatnonzero(free)
