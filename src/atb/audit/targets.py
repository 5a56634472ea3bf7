"""The targets that come with atb, as an audit runs them: each with the fields it has by default."""

from __future__ import annotations

from functools import partial

from atb.audit import alignment, rows
from atb.audit.lookahead import BARS
from atb.audit.report import Audit
from atb.config.targets import AnyTarget
from atb.market.history import History
from atb.targets.build import build

PAST = 1_000  # rows before those that are cut at, for labels that look back


def audit(target: AnyTarget, history: History, bars: int = BARS, max_gap: int = 0) -> Audit:
    """The labels of a target on the last rows of a history of its market.

    Raises:
        DataError: when the rows are too few.
    """
    rows.require(history, bars + 1, target.kind)
    past = bars + PAST + max(target.horizons)
    part = history.rows(max(len(history) - past, 0), len(history))
    labels = partial(build, target, max_gap=max_gap)
    faults = alignment.examine(labels, part, bars)
    return Audit("target", target.kind, len(part), checks=alignment.CHECKS, faults=faults)
