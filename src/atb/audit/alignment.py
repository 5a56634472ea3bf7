"""Whether labels are known when they say so: not before, not after, and not already at their row.

The labels are made again on every prefix of a history and with another future. Knows labels, not
how they are made, and nothing of features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.audit import disturb
from atb.audit.lookahead import BARS, CUTS
from atb.clock import iso
from atb.market.history import History
from atb.targets.labels import Labels

Bool = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]
Build = Callable[[Any], Labels]  # of a history of the labels' market

CHECKS = ("label order", "label prefix", "label future", "label already known")


@dataclass(frozen=True)
class Fault:
    """Something that labels, a split or a scaler should not do.

    Attributes:
        check: what was asked.
        rows: how many rows it concerns.
        row: the first of them.
        time: when that row begins, ISO 8601 UTC.
        what: the fault in words.
    """

    check: str
    rows: int
    row: int
    time: str
    what: str

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return dict(vars(self))


def fault(check: str, history: History, wrong: Bool, what: str) -> Iterator[Fault]:
    """The fault, if any row of the mask `[N]` has it."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        yield Fault(check, len(rows), int(rows[0]), iso(int(history.time[rows[0]])), what)


def examine(build: Build, history: History, bars: int = BARS) -> tuple[Fault, ...]:
    """Every fault of the labels of a history, in the order of the checks; none if they are honest.

    Args:
        build: makes the labels of a history.
        history: N rows, more than `bars`.
        bars: rows that are cut at, the last ones.
    """
    whole = build(history)
    every = range(max(len(history) - bars, 1), len(history))
    some = np.unique(np.linspace(every[0], every[-1], CUTS).astype(int))
    found = [
        *_order(whole, history),
        *_prefixes(build, whole, history, every),
        *_futures(build, whole, history, some),
        *_already_known(build, history, some),
    ]
    return tuple(found)


def _labelled(labels: Labels) -> Bool:
    return np.asarray(np.isfinite(labels.value).all(axis=1))


def _order(whole: Labels, history: History) -> Iterator[Fault]:
    """A label is about what comes after its row, and known when the history has come so far."""
    rows, labelled = np.arange(len(history)), _labelled(whole)
    early = labelled & (whole.known_at <= rows)
    yield from fault("label order", history, early, "the label is known no later than its own row")
    never = labelled & (whole.known_at >= len(history))
    yield from fault(
        "label order", history, never, "there is a label, and it says it is not yet known"
    )


def _same(one: Labels, other: Labels, rows: int) -> Bool:
    """`[rows]` whether two have the same label, known at the same row."""
    values = [np.ascontiguousarray(labels.value[:rows]).view(np.int64) for labels in (one, other)]
    known = one.known_at[:rows] == other.known_at[:rows]
    return np.asarray((values[0] == values[1]).all(axis=1) & known)


def _prefixes(build: Build, whole: Labels, history: History, cuts: range) -> Iterator[Fault]:
    """When only so many rows are there: labels known by then are, and no other."""
    late, early = np.zeros((2, len(history)), bool)
    for cut in cuts:
        part = build(history.rows(0, cut))
        known = whole.known_at[:cut] < cut
        late[:cut] |= known & ~_same(part, whole, cut)
        early[:cut] |= ~known & (_labelled(part) | (part.known_at < cut))
    yield from fault(
        "label prefix",
        history,
        late,
        "the label changes when rows after the one it is known at arrive",
    )
    yield from fault(
        "label prefix", history, early, "the label is there before it says it is known"
    )


def _futures(build: Build, whole: Labels, history: History, cuts: Int64) -> Iterator[Fault]:
    """What comes after the row at which a label is known changes nothing."""
    changed = np.zeros(len(history), bool)
    for factor in (np.nan, 0.1, 10.0):
        for cut in cuts:
            known = whole.known_at[:cut] < cut
            other = _built(build, disturb.after(history, int(cut), factor))
            changed[:cut] |= known & ~_same(other, whole, int(cut))
    yield from fault(
        "label future", history, changed, "the label depends on rows after it is known"
    )


def _already_known(build: Build, history: History, cuts: Int64) -> Iterator[Fault]:
    """A label that no future changes is no forecast: the features of its row may hold it."""
    fixed = np.zeros(len(history), bool)
    for cut in cuts:
        row = int(cut) - 1
        # Not 0.1 and 10, which move a price by the same distance, if not in the same direction.
        fell, rose = (_built(build, disturb.after(history, row + 1, f)) for f in (0.1, 100.0))
        both = _labelled(fell)[row] and _labelled(rose)[row]
        fixed[row] = both and bool((fell.value[row] == rose.value[row]).any())
    yield from fault(
        "label already known", history, fixed, "whatever comes after its row, the label is the same"
    )


def _built(build: Build, history: History) -> Labels:
    with np.errstate(invalid="ignore", divide="ignore"):
        return build(history)
