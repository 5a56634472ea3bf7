"""Whether outcomes fall below a value at risk as often, as scattered and as deep as it promises.

Knows outcomes and what was said of them, row by row; not what is forecast or by what.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb import student

Float64 = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]

FEWEST = 3  # exceedances of which a mean depth with a deviation can be said


@dataclass(frozen=True)
class Found:
    """A test's statistic, and the probability of one at least so large were the promise kept."""

    statistic: float
    p_value: float


@dataclass(frozen=True)
class Depth:
    """How outcomes below the value at risk compare with the expected shortfall.

    Attributes:
        mean: of outcome minus expected shortfall, in the unit of both; below 0 where the losses
            were deeper than said.
        statistic: that mean over its standard error.
        p_value: of so low a mean were the shortfall right, by Student's t; one-sided.
    """

    mean: float
    statistic: float
    p_value: float


@dataclass(frozen=True)
class Exceedances:
    """Outcomes below a value at risk.

    Attributes:
        rows: outcomes that were looked at, none of which spans rows of another.
        count: how many of them were below.
        share: `count / rows`; the level, were the promise kept.
        frequency: Kupiec's test that they are as many as promised.
        independence: Christoffersen's that one does not make the next likelier.
        coverage: Christoffersen's of both together.
        depth: McNeil and Frey's of the expected shortfall; None of fewer than `FEWEST`.
    """

    rows: int
    count: int
    share: float
    frequency: Found
    independence: Found
    coverage: Found
    depth: Depth | None


def examined(actual: Float64, quantile: Float64, shortfall: Float64, level: float) -> Exceedances:
    """All tests of one level.

    Args:
        actual: `[M]` what came true, in time order, none overlapping another.
        quantile: `[M]` that was said to lie above a share `level` of what comes.
        shortfall: `[M]` that was said to be the mean of what lies below.
        level: above 0, below 1.
    """
    below = actual < quantile
    count, rows = int(below.sum()), len(below)
    frequent, scattered = frequency(rows, count, level), independence(below)
    return Exceedances(
        rows,
        count,
        count / rows,
        frequent,
        scattered,
        coverage(frequent, scattered),
        depth(actual[below] - shortfall[below]),
    )


def frequency(rows: int, count: int, level: float) -> Found:
    """Proportion of failures (Kupiec 1995, Journal of Derivatives 3(2)).

    The likelihood ratio of a binomial share of `count / rows` against `level`, of which twice the
    log is distributed as chi-squared with one degree of freedom.

    >>> found = frequency(250, 5, 0.01)
    >>> round(found.statistic, 3), round(found.p_value, 3)
    (1.957, 0.162)
    """
    share = count / rows
    ratio = _likelihood(rows - count, count, share) - _likelihood(rows - count, count, level)
    statistic = max(0.0, 2 * ratio)
    return Found(statistic, math.erfc(math.sqrt(statistic / 2)))


def independence(below: Bool) -> Found:
    """Of exceedances from one row to the next (Christoffersen 1998, Int. Economic Review 39(4)).

    A first-order Markov chain against one whose next state does not depend on the last; chi-squared
    with one degree of freedom.

    Args:
        below: `[M]` whether each outcome was below, in time order.
    """
    before, after = below[:-1], below[1:]
    calm, calm_then_below = int((~before & ~after).sum()), int((~before & after).sum())
    then_calm, then_below = int((before & ~after).sum()), int((before & after).sum())
    chain = _likeliest(calm, calm_then_below) + _likeliest(then_calm, then_below)
    either = _likeliest(calm + then_calm, calm_then_below + then_below)
    statistic = max(0.0, 2 * (chain - either))
    return Found(statistic, math.erfc(math.sqrt(statistic / 2)))


def coverage(frequent: Found, scattered: Found) -> Found:
    """Conditional coverage (Christoffersen 1998): both statistics, two degrees of freedom."""
    statistic = frequent.statistic + scattered.statistic
    return Found(statistic, math.exp(-statistic / 2))


def depth(beyond: Float64) -> Depth | None:
    """Exceedance residuals (McNeil and Frey 2000, Journal of Empirical Finance 7): mean 0.

    Args:
        beyond: `[X]` outcome minus expected shortfall, where outcomes were below the value at risk.

    Returns:
        None where there are fewer than `FEWEST`, or all are the same.
    """
    if len(beyond) < FEWEST or np.ptp(beyond) == 0:
        return None
    mean = float(beyond.mean())
    statistic = mean / float(beyond.std(ddof=1)) * math.sqrt(len(beyond))
    return Depth(mean, statistic, student.below(statistic, len(beyond) - 1))


def _likeliest(noes: int, yeses: int) -> float:
    """The log likelihood of so many, each with the share that makes it largest."""
    return _likelihood(noes, yeses, yeses / max(1, noes + yeses))


def _likelihood(noes: int, yeses: int, share: float) -> float:
    """The log likelihood of so many at a share; what did not happen needs no chance."""
    no = noes * math.log1p(-share) if noes else 0.0
    return no + (yeses * math.log(share) if yeses else 0.0)
