"""The feature sets that come with atb, as an audit runs them: many versions in one tensor.

Each member is asked about its declared lookback too: the rows it declares give the same value
alone, and no older one has a say. Knows the layers of `atb.features`; importing it imports
TensorFlow.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from atb.audit import rows
from atb.audit.lookahead import BARS, CHANGED, LOST, Finding, Subject, differing, examine, rounding
from atb.audit.report import Audit
from atb.config.feature import Feature
from atb.config.features import FEATURES, SETS, columns, lookback, market_of
from atb.features.layer import VIEWS, FeatureSet, compute, function_of
from atb.market.history import History

Float32 = npt.NDArray[np.float32]

OLDER = 20  # rows beyond the lookback that are disturbed


def layer(set_name: str) -> Subject:
    """A set as one layer over histories side by side, each with a NaN future up to the longest."""
    layer, before = FeatureSet(set_name), lookback(set_name)

    def made(histories: Sequence[History]) -> Float32:
        longest, width = max(map(len, histories)), len(histories[0].columns)
        raw = np.full((len(histories), before + longest, width), np.nan, np.float32)
        for part, history in zip(raw, histories, strict=True):
            part[before : before + len(history)] = history.matrix()
        return np.asarray(layer(raw), np.float32)

    return Subject(columns(set_name), made)


def matrix(set_name: str) -> Subject:
    """A set as training computes it, one history at a time; the same rows have the same bits."""

    def made(histories: Sequence[History]) -> Float32:
        return np.stack([compute(set_name, history) for history in histories])

    return Subject(columns(set_name), made)


def audit(set_name: str, history: History, bars: int = BARS) -> Audit:
    """Each column of a set: lookahead, then the lookback that its feature declares.

    Args:
        set_name: a feature set of the market of the history.
        history: N rows, more than the set's lookback and `bars`; its last ones are taken.
        bars: rows that are cut at.

    Raises:
        DataError: when the rows are too few.
    """
    needed = bars + lookback(set_name) + OLDER + 1
    rows.require(history, needed, set_name)
    part = history.rows(len(history) - needed, len(history))
    changed = examine(layer(set_name), part, bars, CHANGED)
    lost = examine(matrix(set_name), part, bars, LOST)
    found = []
    for one, other, reads_else in zip(
        changed, lost, _reads_else(set_name, part, bars), strict=True
    ):
        worse = one if other.verdict == "clean" else other
        if worse.verdict == "clean" and reads_else:
            worse = Finding(one.name, "lookback", check="declared lookback")
        found.append(worse)
    return Audit("features", set_name, len(part), tuple(found))


def _reads_else(set_name: str, history: History, bars: int) -> list[bool]:
    """Of each column, whether it is another one when only the declared rows are there."""
    whole = compute(set_name, history)
    raw, view = history.matrix(), VIEWS[market_of(set_name)]
    tolerance = rounding(whole)
    found: list[bool] = []
    for member in (FEATURES[name] for name in SETS[set_name]):
        ends = np.arange(max(len(raw) - bars, member.lookback + OLDER), len(raw))
        seen = raw[ends[:, np.newaxis] + np.arange(-member.lookback - OLDER, 1)]
        lost = seen.copy()
        lost[:, :OLDER] = np.nan

        def last(rows: Float32, member: Feature = member) -> Float32:
            made = function_of(member)(view(rows), *member.parameters)
            return np.asarray(made, np.float32)[:, -1]

        place = slice(len(found), len(found) + member.width)
        apart = differing(last(seen), last(lost), 0.0)
        if not apart.any():  # else there may be too few rows to compute it at all
            apart = differing(last(seen[:, OLDER:]), whole[ends, place], tolerance[place])
        found += np.any(apart, axis=0).tolist()
    return found


def largest_sets() -> tuple[str, ...]:
    """Sets that hold features which no larger set of their market holds."""
    return tuple(
        name for name in SETS if not any(set(SETS[name]) < set(other) for other in SETS.values())
    )
