"""Two forecasts of the same rows, each metric side by side, on the same resamples.

Rows on which both are wrong for the same reason say nothing about which is better; drawn alike for
both they cancel, so that the interval of the difference is narrower than those of the two figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import bootstrap
from atb.config.targets import Output
from atb.evaluation.metric import Metric, Outcome
from atb.evaluation.trials import TRIALS

Float64 = npt.NDArray[np.float64]
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """One metric of two forecasts, with 95 % block-bootstrap intervals.

    Attributes:
        metric: its name.
        rising: whether higher is better.
        a, b: of the one and the other forecast.
        a_interval, b_interval: of each alone.
        difference: a - b.
        interval: of the difference.
    """

    metric: str
    rising: bool
    a: float
    b: float
    a_interval: Bounds
    b_interval: Bounds
    difference: float
    interval: Bounds

    @property
    def better(self) -> str | None:
        """`a` or `b` where the interval of the difference leaves out zero; else None."""
        low, high = self.interval
        if low <= 0 <= high:
            return None
        return "a" if (low > 0) == self.rising else "b"

    def to_json(self) -> dict[str, Any]:
        """The fields and which is better, ready for JSON."""
        return {**asdict(self), "better": self.better}


@dataclass(frozen=True)
class Worsening:
    """How much worse one forecast is than another in the metric that decides.

    Attributes:
        metric: its name.
        value: as a share of the other's figure; negative where it is better.
        low, high: 95 % block-bootstrap interval of that share.
    """

    metric: str
    value: float
    low: float
    high: float


def side_by_side(
    unit: Output, one: Outcome, other: Outcome, horizon: int, seed: int
) -> Iterator[Pair]:
    """Every metric of the unit that both forecasts have a finite figure of.

    Args:
        unit: what is predicted, see `atb.config.targets`.
        one: a forecast and what came true.
        other: another forecast of the same rows; its scale is not used.
        horizon: rows after which a label is known.
        seed: of the bootstrap.
    """
    draws = _draws(one, horizon)
    for contest in TRIALS[unit].contests:
        metric = contest.metric
        (a, a_samples), (b, b_samples) = _measured(metric, one, other, horizon, seed)
        if np.isfinite(a) and np.isfinite(b):
            yield Pair(
                metric.name,
                metric.rising,
                a,
                b,
                bootstrap.interval(a_samples, draws),
                bootstrap.interval(b_samples, draws),
                a - b,
                bootstrap.interval(a_samples - b_samples, draws),
            )


def worsening(unit: Output, one: Outcome, other: Outcome, horizon: int, seed: int) -> Worsening:
    """How much worse `one` is than `other`; arguments as in `side_by_side`."""
    metric = TRIALS[unit].deciding
    (a, a_samples), (b, b_samples) = _measured(metric, one, other, horizon, seed)
    sign = -1 if metric.rising else 1
    shares = sign * (a_samples / b_samples - 1)
    low, high = bootstrap.interval(shares, _draws(one, horizon))
    return Worsening(metric.name, sign * (a / b - 1), low, high)


def _draws(outcome: Outcome, horizon: int) -> float:
    """Independent draws in a resample of its rows."""
    rows = len(outcome.actual)
    return rows / bootstrap.block_length(rows, horizon)


def _measured(
    metric: Metric, one: Outcome, other: Outcome, horizon: int, seed: int
) -> list[tuple[float, Float64]]:
    """The metric of each forecast, on all rows and on every resample `[R]`."""
    found = []
    for outcome in (one, replace(other, scale=one.scale)):
        columns = metric.columns(outcome)
        block = bootstrap.block_length(len(columns), horizon)
        samples = bootstrap.resampled_means(columns, block, seed)
        found.append((metric.of(outcome), metric.value(samples)))
    return found
