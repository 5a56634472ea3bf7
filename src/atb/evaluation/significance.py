"""Whether a figure is more than luck: Sharpe ratios, overfitting, and tests of two forecasts.

Knows series of returns and of losses, not what made them. Steps are the net simple returns of
bars, or the ticks of rows; a Sharpe ratio here is per step, without a riskless rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from atb import student
from atb.backtest.performance import ROUNDING

Float64 = npt.NDArray[np.float64]

NORMAL = NormalDist()
AT_ONCE = 1000  # halvings of time, so that memory does not grow with their number


@dataclass(frozen=True)
class DieboldMariano:
    """Whether forecast a is better than forecast b.

    Attributes:
        statistic: mean of the loss of a less that of b, in its standard errors: below 0 for a.
        p_value: of so low a statistic, were b as good; one-sided.
    """

    statistic: float
    p_value: float


@dataclass(frozen=True)
class Overfitting:
    """What choosing the best of several strategies in one half of the time is worth in the other.

    Attributes:
        probability: share of the halvings in which the chosen one is in the lower half of all.
        logits: `[C]` float64 log odds of its relative rank, of every halving.
        loss: share of the halvings in which the chosen one loses.
        chosen: `[C, 2]` float64 its Sharpe ratio per step where it was chosen, and in the rest.
    """

    probability: float
    logits: Float64
    loss: float
    chosen: Float64


def sharpe(steps: Float64) -> float:
    """Mean over standard deviation of steps `[B]` (Sharpe 1994); 0 where nothing varies."""
    if not len(steps):
        return 0.0
    mean, deviation = float(steps.mean()), float(steps.std())
    return mean / deviation if deviation > ROUNDING * abs(mean) else 0.0


def sharpe_error(steps: Float64) -> float:
    """Standard error of the Sharpe ratio of steps `[B]` of any skew and kurtosis (Mertens 2002).

    Raises:
        ValueError: when there are fewer than two steps.
    """
    ratio = sharpe(steps)
    if ratio == 0:
        return error_of(0.0, 0.0, 3.0, len(steps))
    standard = (steps - steps.mean()) / steps.std()
    return error_of(ratio, float((standard**3).mean()), float((standard**4).mean()), len(steps))


def error_of(ratio: float, skewness: float, kurtosis: float, count: int) -> float:
    """Standard error of a Sharpe ratio from moments.

    `sqrt((1 - skewness * S + (kurtosis - 1) / 4 * S^2) / (n - 1))`, as in Bailey and Lopez de Prado
    (2012), equation 4; the kurtosis of a normal distribution is 3.

    Raises:
        ValueError: when there are fewer than two steps.

    >>> round(error_of(0.458, -2.448, 10.164, 24), 3)  # two years of months
    0.336
    """
    if count < 2:
        raise ValueError(f"a Sharpe ratio of {count} steps has no standard error")
    variance = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    return math.sqrt(max(variance, ROUNDING) / (count - 1))  # of two values it may be none


def probabilistic_sharpe(steps: Float64, benchmark: float = 0.0) -> float:
    """Probability that the true Sharpe ratio of steps `[B]` is above a benchmark, per step.

    Bailey and Lopez de Prado (2012), The Sharpe ratio efficient frontier.

    Raises:
        ValueError: when there are fewer than two steps.
    """
    error = sharpe_error(steps)
    return NORMAL.cdf((sharpe(steps) - benchmark) / error)


def expected_maximum_sharpe(trials: int, deviation: float) -> float:
    """The best Sharpe ratio to be expected of so many trials none of which has any skill.

    Bailey and Lopez de Prado (2014), The deflated Sharpe ratio, equation 1; 0 of a single trial.

    Args:
        trials: independent ones, at least 1.
        deviation: standard deviation of their Sharpe ratios.

    >>> round(expected_maximum_sharpe(100, (0.5 / 250) ** 0.5), 4)
    0.1132
    """
    if trials == 1:
        return 0.0
    share = float(np.euler_gamma)
    highest = NORMAL.inv_cdf(1 - 1 / trials)
    further = NORMAL.inv_cdf(1 - 1 / (trials * math.e))
    return deviation * ((1 - share) * highest + share * further)


def deflated_sharpe(steps: Float64, trials: int, deviation: float | None) -> float:
    """Probability that steps `[B]` have skill though they are the best of so many trials.

    Bailey and Lopez de Prado (2014): the probabilistic Sharpe ratio against what the best trial
    would have by luck.

    Args:
        steps: of the strategy that was chosen.
        trials: that it was chosen from, itself included.
        deviation: standard deviation of the trials' Sharpe ratios per step; where unknown, that of
            strategies without skill, `1 / sqrt(B - 1)`.

    Raises:
        ValueError: when there are fewer than two steps.
    """
    spread = error_of(0.0, 0.0, 3.0, len(steps)) if deviation is None else deviation
    return probabilistic_sharpe(steps, expected_maximum_sharpe(trials, spread))


def adjusted(p_value: float, trials: int) -> float:
    """The p-value of the best of so many independent trials (Sidak 1967).

    >>> round(adjusted(0.01, 50), 3)
    0.395
    """
    return 1.0 if p_value >= 1 else -math.expm1(trials * math.log1p(-p_value))


def diebold_mariano(loss_a: Float64, loss_b: Float64, horizon: int) -> DieboldMariano:
    """Test whether forecasts with losses `[M]` a are better than those with losses `[M]` b.

    Diebold and Mariano (1995), with the correction for small samples of Harvey, Leybourne and
    Newbold (1997). A variance made of autocovariances over 2h - 1 lags is as sure as that of
    n / (2h - 1) draws (Priestley 1981, Spectral Analysis and Time Series, on equivalent degrees of
    freedom), and the t distribution has as many, less one: with their n - 1, two forecasts that
    are equally good would differ too often where labels overlap. Where autocovariances add up to
    less than nothing, rows are taken to be uncorrelated.

    Args:
        loss_a: of one forecast at M rows in time order.
        loss_b: of the other at the same rows.
        horizon: rows ahead that was forecast; the difference is taken to be correlated over fewer.

    Raises:
        ValueError: when there are fewer than `4 * horizon - 2` rows.
    """
    rows = len(loss_a)
    freedom = rows // (2 * horizon - 1) - 1
    if freedom < 1:
        raise ValueError(f"{rows} rows are too few to compare forecasts {horizon} rows ahead")
    difference = loss_a - loss_b
    mean = float(difference.mean())
    centred = difference - mean
    own, *others = (float(centred[lag:] @ centred[: rows - lag]) / rows for lag in range(horizon))
    if own <= (ROUNDING * mean) ** 2:  # always the same difference: nothing to test it by
        return DieboldMariano(0.0, 0.5)
    together = own + 2 * sum(others)
    variance = together if together > 0 else own
    factor = (rows + 1 - 2 * horizon + horizon * (horizon - 1) / rows) / rows
    statistic = mean / math.sqrt(variance / rows) * math.sqrt(factor)
    return DieboldMariano(statistic, student.below(statistic, freedom))


def overfitting(returns: Float64, groups: int = 16) -> Overfitting:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation.

    Bailey, Borwein, Lopez de Prado and Zhu (2017), Journal of Computational Finance 20(4): time is
    cut into groups, the best strategy of every half of them, by its Sharpe ratio, is ranked in the
    other half.

    Args:
        returns: `[T, S]` float64 steps of S strategies over the same time, in its order.
        groups: even, at most 16: there are 12,870 halvings of 16.

    Raises:
        ValueError: when there is nothing to choose from, or there are too few rows for the groups.
    """
    rows, strategies = returns.shape
    if strategies < 2 or groups % 2 or not 2 <= groups <= min(16, rows // 2):
        raise ValueError(f"{rows} steps of {strategies} strategies cannot be halved by {groups}")
    chosen = np.array(list(combinations(range(groups), groups // 2)))
    halves = np.zeros((len(chosen), groups))
    np.put_along_axis(halves, chosen, 1.0, axis=1)
    sums = _group_sums(returns, groups)
    parts = np.array_split(halves, math.ceil(len(halves) / AT_ONCE))
    found = (_ranked(sums, part) for part in parts)
    ranks, best = (np.concatenate(one) for one in zip(*found, strict=True))
    logits: Float64 = np.log(ranks / (1 - ranks))
    return Overfitting(
        probability=float(np.mean(logits <= 0)),
        logits=logits,
        loss=float(np.mean(best[:, 1] < 0)),
        chosen=best,
    )


def _group_sums(returns: Float64, groups: int) -> Float64:
    """Count, sum and sum of squares `[3, G, S]` of each group's steps, in their deviations."""
    edges = np.linspace(0, len(returns), groups + 1).astype(np.int64)[:-1]
    deviation = returns.std(axis=0)
    standard = returns / np.where(deviation > 0, deviation, 1.0)
    moments = (np.ones_like(standard), standard, standard**2)
    return np.stack([np.add.reduceat(moment, edges) for moment in moments])


def _ranked(sums: Float64, half: Float64) -> tuple[Float64, Float64]:
    """Relative rank `[C]` of the best of each half in the other one, its Sharpe ratios `[C, 2]`."""
    first, second = _sharpes(sums, half), _sharpes(sums, 1 - half)
    every, best = np.arange(len(half)), first.argmax(axis=1)
    won = second[every, best]
    below = (second < won[:, np.newaxis]).sum(axis=1)
    level = (second == won[:, np.newaxis]).sum(axis=1)
    rank: Float64 = (below + (level + 1) / 2) / (second.shape[1] + 1)
    return rank, np.stack([first[every, best], won], axis=1)


def _sharpes(sums: Float64, half: Float64) -> Float64:
    """Sharpe ratio per step `[C, S]` of every strategy in every choice of groups `[C, G]`."""
    count, total, squares = (half @ moment for moment in sums)
    mean = total / count
    variance = squares / count - mean**2
    varies = variance > 1e-12  # else a rounding of nothing
    deviation = np.sqrt(np.maximum(variance, 0.0))
    result: Float64 = np.divide(mean, deviation, out=np.zeros_like(mean), where=varies)
    return result
