"""Whether what a backtest made is more than luck, and how far its figures may be off.

Knows the steps of a backtest and how many recipes were tried; not what was traded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from atb import bootstrap
from atb.backtest.result import Result
from atb.config.judgement import SelectionSpec
from atb.evaluation.significance import (
    deflated_sharpe,
    probabilistic_sharpe,
    sharpe,
    sharpe_error,
)

Float64 = npt.NDArray[np.float64]
Bounds = tuple[float, float]

RUINED = -1 + 1e-12  # a step that leaves nothing, as far as a logarithm can tell


@dataclass(frozen=True)
class Earned:
    """How sure the profit of a backtest is; figures are None where its steps do not vary.

    Attributes:
        sharpe: Sharpe ratio, per square root of a year where the backtest's is, else per step.
        standard_error: of it, for steps of any skew and kurtosis (Mertens 2002).
        probabilistic: probability that the true one is above 0.
        deflated: the same, after the choice among so many trials.
        trials: recipes that the model was chosen from, itself included.
        low, high: 95 % block-bootstrap interval of the Sharpe ratio.
        intervals: those of further figures of the backtest, by name.
    """

    sharpe: float | None
    standard_error: float | None
    probabilistic: float | None
    deflated: float | None
    trials: int
    low: float | None
    high: float | None
    intervals: Mapping[str, Bounds]

    def to_json(self) -> dict[str, Any]:
        """The fields, ready for JSON."""
        intervals = {name: list(bounds) for name, bounds in self.intervals.items()}
        return asdict(self) | {"intervals": intervals}


def earned(result: Result, selection: SelectionSpec, horizon: int, seed: int) -> Earned:
    """How sure the profit of a backtest is.

    Args:
        result: the backtest.
        selection: how many recipes were tried, and how their Sharpe ratios scattered.
        horizon: steps that neighbouring positions share.
        seed: of the bootstrap.
    """
    steps, trials = result.steps, selection.trials
    if len(steps) < 2 or sharpe(steps) == 0:
        return Earned(None, None, None, None, trials, None, None, {})
    block = bootstrap.block_length(len(steps), horizon)
    scale = math.sqrt(result.steps_per_year or 1.0)
    low, high = _sharpe_interval(steps, block, seed)
    of_figures = _of_ticks if result.steps_per_year is None else _of_returns
    return Earned(
        sharpe=sharpe(steps) * scale,
        standard_error=sharpe_error(steps) * scale,
        probabilistic=probabilistic_sharpe(steps),
        deflated=deflated_sharpe(steps, trials, selection.deviation),
        trials=trials,
        low=low * scale,
        high=high * scale,
        intervals=of_figures(steps, block, seed),
    )


def _sharpe_interval(steps: Float64, block: int, seed: int) -> Bounds:
    standard = steps / steps.std()
    means = bootstrap.resampled_means(np.stack([standard, standard**2], axis=1), block, seed)
    variance = means[:, 1] - means[:, 0] ** 2
    varies = variance > 1e-12  # a resample may have missed every trade, and has earned nothing
    deviation = np.sqrt(np.maximum(variance, 0.0))
    nothing = np.zeros(len(means))
    ratios = np.divide(means[:, 0], deviation, out=nothing, where=varies)
    return bootstrap.interval(ratios, len(steps) / block)


def _of_returns(steps: Float64, block: int, seed: int) -> dict[str, Bounds]:
    """Of simple returns that add up to an equity."""
    logs = np.log1p(np.maximum(steps, RUINED))
    totals = bootstrap.resampled_means(logs[:, np.newaxis], block, seed)[:, 0] * len(logs)
    falls = bootstrap.resampled_falls(logs, block, seed)
    draws = len(steps) / block
    return {
        "total_return": bootstrap.interval(np.expm1(totals), draws),
        "max_drawdown": bootstrap.interval(-np.expm1(-falls), draws),
    }


def _of_ticks(steps: Float64, block: int, seed: int) -> dict[str, Bounds]:
    """Of ticks that add up to a profit."""
    means = bootstrap.resampled_means(steps[:, np.newaxis], block, seed)
    return {"net_ticks_total": bootstrap.interval(means * len(steps), len(steps) / block)}
