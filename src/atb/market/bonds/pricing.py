"""Bonds discounted on zero curves, many at once, each once per curve.

It knows cash flows and discount factors, nothing of histories or of who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from atb.clock import YEAR_MS
from atb.market.bonds.curves import Float64, Int64
from atb.market.bonds.zero import HALF, ZeroCurves

FACE = 100.0


@dataclass(frozen=True)
class Priced:
    """M bonds on a curve each, as sums over their P payments.

    Attributes:
        years: `[M, P]` float64 until each payment.
        worth: `[M, P]` float64 present value of each payment, of a face of 100.
        forward: `[M, P]` float64 forward rate per year up to each payment, continuously compounded.
    """

    years: Float64
    worth: Float64
    forward: Float64

    def value(self, later: float | Float64 = 0.0) -> Float64:
        """`[M]` float64 value, accrued interest included, so many years later on the same curve.

        A curve that stays as it is lets a payment grow by the forward rate up to it: carry and
        roll-down. Exact as long as no payment comes to the node of the curve before it.

        Args:
            later: years, one number or `[M]`.
        """
        grown = np.exp(self.forward * np.reshape(later, (-1, 1)))
        total: Float64 = (self.worth * grown).sum(axis=1)
        return total

    @property
    def duration(self) -> Float64:
        """`[M]` float64 years: mean time of payment (Fisher and Weil 1971, Journal of Business)."""
        return self._mean(self.years)

    @property
    def convexity(self) -> Float64:
        """`[M]` float64 years squared: mean square of the times of payment."""
        return self._mean(self.years**2)

    def _mean(self, of: Float64) -> Float64:
        weighted: Float64 = (self.worth * of).sum(axis=1) / self.worth.sum(axis=1)
        return weighted


def discounted(zero: ZeroCurves, rows: Int64, years: Float64, payments: Float64) -> Priced:
    """Payments `[M, P]` of M bonds, due in `years` `[M, P]`, on the curves of M days."""
    factor, forward = zero.at(rows, years)
    return Priced(years, payments * factor, forward)


@dataclass(frozen=True)
class Pricer:
    """N bonds of one maturity, one issued each day, on that day's curve and on the next day's.

    Attributes:
        zero: curves of N days.
        time: `[N]` int64 ms UTC of the days.
        maturity: years at issue.
        coupons: `[N]` float64 percent per year of each bond, paid half-yearly.
    """

    zero: ZeroCurves
    time: Int64
    maturity: float
    coupons: Float64

    @cached_property
    def issued(self) -> Priced:
        """`[N]` bonds on the day of their issue."""
        days = np.arange(len(self.time))
        return self._on(days, np.zeros(len(days)))

    @cached_property
    def next_day(self) -> Priced:
        """`[N - 1]` bonds on the curve of the day after, be it after a weekend or a holiday."""
        return self._on(np.arange(1, len(self.time)), self.ages)

    @cached_property
    def ages(self) -> Float64:
        """`[N - 1]` float64 years from each day to the next."""
        return np.diff(self.time) / YEAR_MS

    def _on(self, rows: Int64, ages: Float64) -> Priced:
        """The first bonds, as many as there are rows, of these ages on the curves of these days."""
        count = max(int(np.ceil(self.maturity / HALF)), 1)
        due = self.maturity - HALF * np.arange(count)
        coupons = self.coupons[: len(rows)] * min(self.maturity, HALF)
        payments = np.repeat(coupons[:, np.newaxis], count, axis=1) * FACE / 100
        payments[:, 0] += FACE
        return discounted(self.zero, rows, due - ages[:, np.newaxis], payments)
