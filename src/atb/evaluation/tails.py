"""The verdict on a forecast distribution: its quantiles, tails and intervals, on test rows.

Beside it stands the naive one: the quantiles of the train labels, the same at every row. Knows
what was said and what came true; not how anything was learned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import bootstrap
from atb.errors import DivergedError
from atb.evaluation.exceedances import Exceedances, examined
from atb.evaluation.metric import Evidence
from atb.evaluation.verdict import BETTER, LEVEL, WORSE

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

NAIVE = "historical quantiles"
REJECTED = 0.05  # a promise whose test has a smaller p-value is not kept


@dataclass(frozen=True)
class Distribution:
    """What was said of how outcomes are distributed, at M rows.

    Attributes:
        levels: Q shares, rising.
        quantiles: `[M, Q]` never falling from one to the next, in the unit of the outcomes.
        shortfalls: `[M, S]` means of what lies below the first S quantiles.
    """

    levels: tuple[float, ...]
    quantiles: Float64
    shortfalls: Float64

    def at(self, level: float) -> Float64:
        """`[M]` quantiles of a level it has, up to rounding."""
        return self.quantiles[:, int(np.argmin(np.abs(np.subtract(self.levels, level))))]


@dataclass(frozen=True)
class Pinball:
    """Pinball loss of a quantile, in the unit of the outcomes, beside the naive one's.

    Attributes:
        level: of the quantile.
        loss, naive: means over all rows (Koenker and Bassett 1978).
        difference: `loss - naive`.
        low, high: its 95 % block-bootstrap interval.
    """

    level: float
    loss: float
    naive: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Tail:
    """How far the promise of a value at risk and its shortfall was kept, beside the naive one's."""

    level: float
    model: Exceedances
    naive: Exceedances


@dataclass(frozen=True)
class Interval:
    """Share of outcomes between two quantiles, and how far they are apart on average.

    Attributes:
        promised: share.
        achieved, naive: share of test outcomes between them, edges included.
        width, naive_width: mean over all rows, in the unit of the outcomes.
    """

    promised: float
    achieved: float
    naive: float
    width: float
    naive_width: float


@dataclass(frozen=True)
class Tails:
    """How good a forecast distribution is.

    Attributes:
        pinball: of every level.
        tails: of every level with an expected shortfall.
        intervals: between levels that leave out the same share on either side, narrowest last.
        words: what it comes to, in a sentence.
        rows: outcomes judged.
        block: rows in a block of the bootstrap.
    """

    pinball: tuple[Pinball, ...]
    tails: tuple[Tail, ...]
    intervals: tuple[Interval, ...]
    words: str
    rows: int
    block: int

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON; `verdict` are the words."""
        said = asdict(self)
        return {
            "verdict": said.pop("words"),
            **{
                name: list(value) if isinstance(value, tuple) else value
                for name, value in said.items()
            },
        }


def judge(said: Distribution, evidence: Evidence, seed: int) -> Tails:
    """Judge what was said of test rows.

    Value at risk and shortfall are tested on outcomes that do not overlap: of a horizon of h rows
    every h-th one. Everything else is measured on all.

    Args:
        said: of `evidence.test`, row by row.
        evidence: labels and rows of one horizon.
        seed: of the bootstrap.

    Raises:
        DivergedError: when a quantile or a shortfall is not a finite number.
    """
    if not (np.isfinite(said.quantiles).all() and np.isfinite(said.shortfalls).all()):
        raise DivergedError(
            "a quantile or an expected shortfall of a test row is not a finite number",
            remedy="train again with fewer or other features",
        )
    actual, naive = evidence.labels[evidence.test], _historical(said, evidence)
    block = bootstrap.block_length(len(actual), evidence.horizon)
    losses = np.hstack([_losses(one, actual) for one in (said, naive)])
    resamples = bootstrap.resampled_means(losses, block, seed)
    tails = tuple(_tails(said, naive, actual, _apart(evidence.test, evidence.horizon)))
    draws = len(actual) / block
    return Tails(
        tuple(_pinball(said.levels, losses.mean(axis=0), resamples, draws)),
        tails,
        tuple(_intervals(said, naive, actual)),
        f"{_compared(losses.mean(axis=0), resamples, draws)}; {_kept(tails)}",
        len(actual),
        block,
    )


def _historical(said: Distribution, evidence: Evidence) -> Distribution:
    """The quantiles of the train labels, and the means of those below, at every test row."""
    known = evidence.labels[evidence.train]
    quantiles = np.quantile(known, said.levels)
    means = [known[known <= edge].mean() for edge in quantiles[: said.shortfalls.shape[1]]]
    rows = (len(evidence.test), 1)
    return Distribution(said.levels, np.tile(quantiles, rows), np.tile(means, rows))


def _losses(said: Distribution, actual: Float64) -> Float64:
    """`[M, Q]` pinball loss of each quantile: a miss costs the share that lies on its side."""
    miss, levels = actual[:, np.newaxis] - said.quantiles, np.asarray(said.levels)
    losses: Float64 = np.maximum(levels * miss, (levels - 1) * miss)
    return losses


def _pinball(
    levels: tuple[float, ...], means: Float64, resamples: Float64, draws: float
) -> Iterator[Pinball]:
    """Of each level, from means `[2Q]` and resampled means `[R, 2Q]` of the model and the naive."""
    for number, level in enumerate(levels):
        other = number + len(levels)
        model, naive = float(means[number]), float(means[other])
        bounds = bootstrap.interval(resamples[:, number] - resamples[:, other], draws)
        yield Pinball(level, model, naive, model - naive, *bounds)


def _tails(
    said: Distribution, naive: Distribution, actual: Float64, apart: Int64
) -> Iterator[Tail]:
    for number, level in enumerate(said.levels[: said.shortfalls.shape[1]]):
        model, rival = (
            examined(
                actual[apart],
                one.quantiles[apart, number],
                one.shortfalls[apart, number],
                level,
            )
            for one in (said, naive)
        )
        yield Tail(level, model, rival)


def _apart(rows: Int64, horizon: int) -> Int64:
    """Positions of rows, from the first on, each at least a horizon after the last."""
    kept = [0]
    for position, row in enumerate(rows.tolist()):
        if row >= rows[kept[-1]] + horizon:
            kept.append(position)
    return np.asarray(kept, np.int64)


def _intervals(said: Distribution, naive: Distribution, actual: Float64) -> Iterator[Interval]:
    for low in (level for level in said.levels if level < 0.5):
        if np.isclose(said.levels, 1 - low).any():
            (achieved, width), (rival, rival_width) = (
                _between(one.at(low), one.at(1 - low), actual) for one in (said, naive)
            )
            yield Interval(1 - 2 * low, achieved, rival, width, rival_width)


def _between(low: Float64, high: Float64, actual: Float64) -> tuple[float, float]:
    inside = (low <= actual) & (actual <= high)
    return float(inside.mean()), float((high - low).mean())


def _compared(means: Float64, resamples: Float64, draws: float) -> str:
    """How the loss over all levels stands beside the naive one's; sure where it leaves out one."""
    model, naive = means.reshape(2, -1).mean(axis=1)
    if naive == 0:
        return f"no comparison: the pinball loss of {NAIVE} is 0, that of the model {model:.3g}"
    by_forecast = resamples.reshape(len(resamples), 2, -1).mean(axis=2)
    low, high = bootstrap.interval(by_forecast[:, 0] / by_forecast[:, 1], draws)
    side = BETTER if high < 1 else WORSE if low > 1 else LEVEL
    share = f"pinball loss {model / naive:.4f} of theirs"
    return f"{side} {NAIVE}: {share}, 95 % interval [{low:.4f}, {high:.4f}]"


def _kept(tails: tuple[Tail, ...]) -> str:
    """Which promises the tests reject."""
    broken = [
        f"{name} of {tail.level:.1%}"
        for tail in tails
        for name, found in (
            ("value at risk", tail.model.coverage),
            ("expected shortfall", tail.model.depth),
        )
        if found is not None and found.p_value < REJECTED
    ]
    if not broken:
        return "no test rejects value at risk or expected shortfall"
    return f"tests reject {', '.join(broken)}"
