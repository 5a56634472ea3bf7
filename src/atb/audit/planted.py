"""The audit, audited: leaks that were planted on purpose, and honest code that looks like them.

Everything runs on the same simulated candles, so the figures are the same everywhere. Knows what
was planted, not how the audit finds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from atb.audit import alignment, fair, lookahead, partition
from atb.audit import planted_datasets as datasets
from atb.audit import planted_features as features
from atb.audit import planted_labels as labels
from atb.audit.alignment import Fault
from atb.audit.lookahead import Subject
from atb.clock import HOUR_MS
from atb.config.targets import TARGETS
from atb.market.candles import Candles
from atb.market.history import History
from atb.market.sample import DEFAULT_START_MS, simulate
from atb.targets.build import build

SEED = 7
FEW, MANY = 600, 1_500  # bars for features and labels; for datasets

Kind = Literal["feature", "label", "dataset"]


@dataclass(frozen=True)
class Trial:
    """One piece of code that was put before the audit.

    Attributes:
        kind: what it makes.
        name: the function, or the target.
        what: in words.
        leak: whether it knows something too early.
        found: whether the audit says so.
        check: which check says it, or empty.
        rows: how many rows it says are wrong.
    """

    kind: Kind
    name: str
    what: str
    leak: bool
    found: bool
    check: str
    rows: int

    @property
    def right(self) -> bool:
        """Whether the audit is right about it."""
        return self.leak == self.found

    def to_json(self) -> dict[str, Any]:
        """All of it, JSON-ready."""
        return {**vars(self), "right": self.right}


def run() -> tuple[Trial, ...]:
    """Put everything that was planted, and everything that is fair, before the audit."""
    return (*_features(_candles(FEW)), *_labels(_candles(FEW)), *_datasets(_candles(MANY)))


def _candles(bars: int) -> Candles:
    end = DEFAULT_START_MS + bars * HOUR_MS
    return simulate("SAMPLE", "1h", DEFAULT_START_MS, end, SEED)


def _subject(name: str, feature: features.Feature) -> Subject:
    def compute(histories: Sequence[History]) -> features.Float64:
        made = np.full((len(histories), max(map(len, histories)), 1), np.nan)
        for part, candles in zip(made, histories, strict=True):
            part[: len(candles), 0] = feature(candles)
        return made

    return Subject((name,), compute)


def _features(candles: Candles) -> Iterator[Trial]:
    every = [(name, made, True) for name, made in features.LEAKS.items()]
    every += [(name, made, False) for name, made in fair.FAIR.items()]
    for name, feature, leak in every:
        with np.errstate(all="ignore"):
            (found,) = lookahead.examine(_subject(name, feature), candles)
        said = found.verdict != "clean"
        yield Trial("feature", name, _words(feature), leak, said, found.check, found.rows)


def _labels(candles: Candles) -> Iterator[Trial]:
    for name, make in labels.LEAKS.items():
        yield _trial("label", name, _words(make), True, alignment.examine(make, candles))
    for kind, target in TARGETS.items():
        if target.market == candles.kind:
            spec = target()
            found = alignment.examine(partial(build, spec), candles)
            yield _trial("label", kind, f"the target {kind}", False, found)


def _datasets(candles: Candles) -> Iterator[Trial]:
    honest = {datasets.honest.__name__: datasets.honest}
    for name, prepare in {**datasets.LEAKS, **honest}.items():
        found = partition.examine(prepare, candles, datasets.LOOKBACK, datasets.EMBARGO)
        yield _trial("dataset", name, _words(prepare), name not in honest, found)


def _trial(kind: Kind, name: str, what: str, leak: bool, faults: tuple[Fault, ...]) -> Trial:
    worst = max(faults, key=lambda fault: fault.rows, default=None)
    check, rows = ("", 0) if worst is None else (worst.check, worst.rows)
    return Trial(kind, name, what, leak, worst is not None, check, rows)


def _words(planted: Any) -> str:
    """What a planted function says of itself, in one line."""
    return str(planted.__doc__).partition("\n")[0]
