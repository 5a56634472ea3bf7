"""Zero curves: what a dollar at each later time is worth today, bootstrapped from par yields.

They know par curves, nothing of bonds. Semi-annual convention of the US Treasury: a par bond pays
half its yield every half-year; what lasts less than half a year is a bill of simple interest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from atb.clock import iso
from atb.errors import DataError
from atb.market.bonds.curves import Float64, Int64, ParCurves

HALF = 0.5  # years from coupon to coupon


@dataclass(frozen=True)
class ZeroCurves:
    """N days of discount factors.

    Attributes:
        nodes: `[J]` float64 years, rising from 0.
        log_discount: `[N, J]` float64; NaN beyond the longest maturity of the day. Linear between
            nodes: forward rates are constant there.
    """

    nodes: Float64
    log_discount: Float64

    def at(self, rows: Int64, years: Float64) -> tuple[Float64, Float64]:
        """Discount factors at times ahead, and the forward rates that lead up to them.

        Args:
            rows: `[M]` days.
            years: `[M, P]` ahead of the day, above 0.

        Returns:
            `[M, P]` float64 factors, and `[M, P]` float64 rates per year, continuously compounded;
            NaN beyond the longest maturity.
        """
        right = np.clip(np.searchsorted(self.nodes, years), 1, len(self.nodes) - 1)
        start, end = self.nodes[right - 1], self.nodes[right]
        day = rows[:, np.newaxis]
        later = self.log_discount[day, right]
        forward = (self.log_discount[day, right - 1] - later) / (end - start)
        beyond = np.where(years > self.nodes[-1], np.nan, 0.0)
        return np.exp(later + forward * (end - years)) + beyond, forward + beyond


def bootstrap(curves: ParCurves) -> ZeroCurves:
    """Zero curves from the shortest maturity to the longest, all days at once.

    Between published maturities par yields are interpolated linearly, before the first one they are
    level. Each half-year's factor follows from those before it: a bond of that maturity that pays
    the par yield is worth its face (Hull, Options, Futures, and Other Derivatives, 4.7).

    Raises:
        DataError: when a day's yields leave nothing, or less, of a dollar.
    """
    nodes = _nodes(curves.years)
    par = _interpolated(curves, nodes) / 100
    discount, annuity = np.ones_like(par), np.zeros(len(par))
    for column, years in enumerate(nodes):
        rate = par[:, column]
        if years < HALF:
            discount[:, column] = 1 / (1 + rate * years)
        else:
            discount[:, column] = (1 - rate * HALF * annuity) / (1 + rate * HALF)
            annuity += discount[:, column]
    _require_positive(discount, nodes, curves)
    return ZeroCurves(
        np.append(0.0, nodes),
        np.log(np.concatenate([np.ones((len(par), 1)), discount], axis=1)),
    )


def _nodes(years: Float64) -> Float64:
    """Bills of less than half a year, then every half-year up to the longest maturity."""
    halves = np.arange(1, round(years[-1] / HALF) + 1) * HALF
    return np.concatenate([years[years < HALF], halves])


def _interpolated(curves: ParCurves, nodes: Float64) -> Float64:
    """`[N, J]` par yields in percent; NaN beyond the longest that a day has."""
    found = np.full((len(curves), len(nodes)), np.nan)
    published = np.isfinite(curves.yields)
    for pattern in np.unique(published, axis=0):
        days = np.flatnonzero((published == pattern).all(axis=1))
        years = curves.years[pattern]
        if not len(years):
            continue
        shares = np.stack([np.interp(nodes, years, one) for one in np.eye(len(years))])
        shares[:, nodes > years[-1]] = np.nan
        found[days] = curves.yields[days][:, pattern] @ shares
    return found


def _require_positive(discount: Float64, nodes: Float64, curves: ParCurves) -> None:
    wrong = np.argwhere(discount <= 0)
    if len(wrong):
        day, column = wrong[0]
        raise DataError(
            f"the yields of {iso(int(curves.time[day]))[:10]} make a dollar in "
            f"{nodes[column]:g} years worth {discount[day, column]:.3g} today",
            where=curves.source,
            remedy="give par yields in percent per year, as the Treasury publishes them",
        )
