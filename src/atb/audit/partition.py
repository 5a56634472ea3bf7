"""Whether a dataset keeps its parts apart: the split, what was fitted on train rows, the windows.

The split is compared pair by pair, without the shortcuts a split takes; then rows that no train
window or label reads are multiplied by ten, and nothing that belongs to training may change in any
bit; nor may what windows show of a row when later rows do. Knows datasets, not how they are made,
and nothing of networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.audit import disturb
from atb.audit.alignment import Fault, fault
from atb.dataset.build import Dataset
from atb.dataset.split import Split
from atb.market.history import History

Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]
Prepare = Callable[[Any], Dataset]  # of a history of the dataset's market

CHECKS = ("split", "train only", "inputs")
FACTOR = 10.0
CUTS = 4  # rows after which the future is another one
CHUNK = 256  # windows that are compared with all of another part at once


def examine(prepare: Prepare, history: History, lookback: int, embargo: int) -> tuple[Fault, ...]:
    """Every fault of the dataset that `prepare` makes of a history; none if it is clean.

    Args:
        prepare: makes the dataset, split, scaled and ready to be learned from.
        history: N rows.
        lookback: rows before a window that its features depend on.
        embargo: rows that must lie between a label's row and the other part.
    """
    dataset = prepare(history)
    return (
        *split_faults(dataset.split, dataset.labels.known_at, history, embargo),
        *_fitted(prepare, dataset, history, lookback),
        *_inputs(prepare, dataset, history),
    )


def overlapping(ends: Int64, others: Int64, known_at: Int64, embargo: int) -> Bool:
    """`[M]` which windows have a label that is not known, embargo and all, before another begins.

    A window and its label take the rows from its end to the row at which the label is known; of
    two, the earlier one must be over `embargo` rows before the later one begins. Every pair is
    looked at.

    Args:
        ends: `[M]` ends of the windows that are asked about.
        others: ends of the other part's windows.
        known_at: `[N]` row at which the label of each row is known.
        embargo: rows that must lie between.
    """
    found = np.zeros(len(ends), bool)
    for start in range(0, len(others), CHUNK):
        other = others[start : start + CHUNK, np.newaxis]
        before = known_at[ends] + embargo < other
        after = known_at[other] + embargo < ends
        found |= ~(before | after).all(axis=0)
    return found


def split_faults(split: Split, known_at: Int64, history: History, embargo: int) -> Iterator[Fault]:
    """Windows of one part that know what another part is asked, or are too near to it."""
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        ends: Int64 = getattr(split, one)
        wrong = np.zeros(len(history), bool)
        wrong[ends[overlapping(ends, getattr(split, other), known_at, embargo)]] = True
        what = f"a {one} window and its label are not {embargo} rows apart from the {other} windows"
        yield from fault("split", history, wrong, what)


def _train_rows(dataset: Dataset, rows: int, lookback: int) -> Bool:
    """`[N]` raw rows that train windows, their features or their labels depend on."""
    ends = dataset.split.train
    edges = np.zeros(rows + 1, np.int64)
    np.add.at(edges, np.maximum(ends - dataset.window - lookback + 1, 0), 1)
    np.add.at(edges, np.minimum(dataset.labels.known_at[ends] + 1, rows), -1)
    covered: Bool = np.cumsum(edges)[:rows] > 0
    return covered


def _fitted(prepare: Prepare, dataset: Dataset, history: History, lookback: int) -> Iterator[Fault]:
    """What training sees, and what was fitted for it, has the same bits whatever else happens."""
    # Every other row only: features that know no level would not see all of them grow alike.
    others = ~_train_rows(dataset, len(history), lookback) & (np.arange(len(history)) % 2 == 0)
    changed = prepare(disturb.where(history, others, FACTOR))
    for name, before in _state(dataset).items():
        if before != _state(changed)[name]:
            what = f"the {name} changes when rows that belong to no train window are multiplied"
            yield from fault("train only", history, others, what)


def _state(dataset: Dataset) -> dict[str, bytes]:
    train, thresholds = dataset.split.train, dataset.labels.thresholds
    shown = _shown(dataset, train)
    return {
        "list of train windows": train.tobytes(),
        "scaler": dataset.scaling.scale.tobytes() + dataset.scaling.offset.tobytes(),
        "scale of the target": dataset.target_scale.tobytes() + dataset.target_offset.tobytes(),
        "thresholds of the classes": b"" if thresholds is None else thresholds.tobytes(),
        "matrix of train rows": dataset.matrix[shown].tobytes(),
        "target of train rows": dataset.target[train].tobytes(),
    }


def _shown(dataset: Dataset, ends: Int64) -> Int64:
    """Rows that some window shows, once each, rising."""
    return np.unique(ends[:, np.newaxis] + np.arange(1 - dataset.window, 1))


def _inputs(prepare: Prepare, dataset: Dataset, history: History) -> Iterator[Fault]:
    """What windows show up to some row has the same bits whatever comes after that row."""
    last_known = int(dataset.labels.known_at[dataset.split.train].max())
    wrong = np.zeros(len(history), bool)
    for cut in np.linspace(last_known + 2, len(history) - 1, CUTS).astype(int):
        other = prepare(disturb.after(history, int(cut), FACTOR)).matrix
        bits = [np.ascontiguousarray(m[:cut]).view(np.int32) for m in (dataset.matrix, other)]
        wrong[:cut] |= (bits[0] != bits[1]).any(axis=1)
    what = "what the network is shown of a row changes with the rows after it"
    yield from fault("inputs", history, wrong, what)
