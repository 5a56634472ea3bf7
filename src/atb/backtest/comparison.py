"""Two backtests over the same rows: which earned more, and whether that could be chance.

Knows what each made step by step; nothing of models.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import bootstrap
from atb.backtest.performance import ROUNDING
from atb.backtest.result import Result, Table
from atb.errors import DataError

Float64 = npt.NDArray[np.float64]

SEED = 0  # of the intervals
FEWEST_STEPS = 20  # means drawn from fewer vary too little: their interval would be too narrow


@dataclass(frozen=True)
class Difference:
    """A figure of the first less that of the second, with its 95 % block-bootstrap interval."""

    first: float
    second: float
    estimate: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """What became of two models in the same steps of time.

    Every resample draws the same blocks of both, so what moved them together cancels out.

    Attributes:
        steps: bars, or rows of a book.
        block: steps in a block of the bootstrap.
        mean: difference of what a mean step made, net of costs: returns, or ticks of a book.
        sharpe: difference of the Sharpe ratios, per square root of a year where steps are bars of
            candles; None where one never varies.
        words: the verdict for people.
    """

    steps: int
    block: int
    mean: Difference
    sharpe: Difference | None
    words: str

    def to_json(self) -> dict[str, Any]:
        """The differences, ready for JSON."""
        return {
            "steps": self.steps,
            "block": self.block,
            "mean": asdict(self.mean),
            "sharpe": None if self.sharpe is None else asdict(self.sharpe),
            "verdict": self.words,
        }


def compare(first: Result, second: Result, horizon: int) -> Comparison:
    """Set two backtests side by side by a paired block bootstrap (Politis and Romano 1992).

    Args:
        first: a backtest.
        second: another one, that begins at the same time; where one lasts longer, as a position in
            a book may, the other makes nothing meanwhile.
        horizon: steps over which neighbouring predictions depend on each other.

    Raises:
        DataError: when they do not begin at the same time, or there are fewer than 20 steps.
    """
    steps = _aligned(first, second)
    block = bootstrap.block_length(len(steps), horizon)
    means = bootstrap.resampled_means(np.hstack([steps, steps**2]), block, SEED)
    draws = len(steps) / block
    mean = _difference(steps.mean(axis=0), means[:, :2], draws)
    scale = float(np.sqrt(first.steps_per_year or 1.0))
    sharpe = None
    if np.all(steps.std(axis=0) > ROUNDING * np.abs(steps.mean(axis=0))):
        ratios = _ratios(means[:, :2], means[:, 2:]) * scale
        sharpe = _difference(steps.mean(axis=0) / steps.std(axis=0) * scale, ratios, draws)
    return Comparison(len(steps), block, mean, sharpe, _words(mean))


def side_by_side(first: Result, second: Result) -> Table:
    """Both curves, `a` and `b`, at each `time` of the longer one."""
    time = max(first.time, second.time, key=len)
    ours, theirs = (
        np.pad(one.curves[0], (0, len(time) - len(one.time)), mode="edge")
        for one in (first, second)
    )
    return {"time": time.astype("datetime64[ms]"), "a": ours, "b": theirs}


def _aligned(first: Result, second: Result) -> Float64:
    """`[S, 2]` what both made in the same steps.

    Raises:
        DataError: when they begin at other times, or are too short.
    """
    count = max(len(first.steps), len(second.steps))
    shared = min(len(first.time), len(second.time))
    if not np.array_equal(first.time[:shared], second.time[:shared]):
        raise DataError(
            "the two were not traded over the same rows",
            remedy="give both models the same market and file",
        )
    if count < FEWEST_STEPS:
        raise DataError(
            f"{count} rows say nothing of which of two models is better",
            remedy=f"give at least {FEWEST_STEPS}, and better thousands",
        )
    columns = [np.pad(one.steps, (0, count - len(one.steps))) for one in (first, second)]
    return np.stack(columns, axis=1)


def _ratios(mean: Float64, square: Float64) -> Float64:
    """Mean over standard deviation of each resample; 0 where it missed every trade."""
    variance = square - mean**2
    deviation = np.sqrt(np.maximum(variance, 0.0))
    return np.divide(mean, deviation, out=np.zeros_like(mean), where=variance > 0)


def _difference(values: Float64, samples: Float64, draws: float) -> Difference:
    low, high = bootstrap.interval(samples[:, 0] - samples[:, 1], draws)
    first, second = float(values[0]), float(values[1])
    return Difference(first, second, first - second, low, high)


def _words(mean: Difference) -> str:
    if mean.low <= 0 <= mean.high:
        return "no evidence that either earns more: the interval of the difference holds zero"
    better, worse, place = ("A", "B", "above") if mean.low > 0 else ("B", "A", "below")
    did = "earned more" if max(mean.first, mean.second) > 0 else "lost less"
    return f"{better} {did} than {worse}: the interval of the difference lies {place} zero"
