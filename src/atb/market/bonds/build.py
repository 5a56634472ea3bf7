"""From par curves to the history of one bond: priced, compared with its fair value, described.

Every row is made from its own day and the days before it.
"""

from __future__ import annotations

import numpy as np

from atb.clock import DAY_MS, YEAR_MS
from atb.errors import DataError
from atb.market.bonds.bonds import LONGEST, Bonds, missing_before
from atb.market.bonds.curves import Float64, ParCurves, maturity_of, tenor_of
from atb.market.bonds.pricing import Pricer
from atb.market.bonds.zero import bootstrap

BASIS_POINTS = 1e4
BASE = 100.0  # of the index
SHORT, MIDDLE, LONG = 0.25, 2.0, 10.0  # years, of level, slope and curvature


def build(curves: ParCurves, symbol: str, coupon: float | None = None) -> Bonds:
    """The days on which a bond's maturity is published, from curves in time order.

    Level is the yield of 10 years, slope that less the one of 3 months, curvature twice the yield
    of 2 years less both (Diebold and Li 2006, Journal of Econometrics 130(2)).

    Args:
        curves: N days of par yields.
        symbol: ends in a maturity that is among theirs, as `UST10Y`.
        coupon: percent per year; None for the par yield of each day.

    Raises:
        UsageError: when the symbol names no maturity.
        DataError: when the curves never have it, or none of what level, slope and curvature are
            made of, or are no curves.
    """
    curves = _published(curves, symbol)
    maturity = maturity_of(symbol)
    par = curves.of(maturity)
    coupons = par if coupon is None else np.full(len(par), coupon)
    pricer = Pricer(bootstrap(curves), curves.time, maturity, coupons)
    price, fair_value = _index(pricer)
    short, middle, long = (curves.of(years) for years in (SHORT, MIDDLE, LONG))
    issued = pricer.issued
    values = (
        *(price, fair_value, par),
        *(long, long - short, 2 * middle - short - long),
        *(issued.duration, issued.convexity, _carry(pricer)),
    )
    return Bonds(
        symbol,
        curves.time,
        np.stack(values, axis=1),
        coupon,
        f"prices made from par yields, {curves.source}",
        curves.synthetic,
    )


def _published(curves: ParCurves, symbol: str) -> ParCurves:
    """The days that have the maturity of the symbol."""
    days = np.isfinite(curves.of(maturity_of(symbol)))
    known = [tenor_of(y) for y in curves.years if np.isfinite(curves.of(y)).any()]
    if not days.any():
        raise DataError(
            f"it has no yields of {tenor_of(maturity_of(symbol))} for {symbol}, "
            f"only of {', '.join(known)}",
            where=curves.source,
            remedy="name a bond of one of these maturities",
        )
    missing = [one for one in map(tenor_of, (SHORT, MIDDLE, LONG)) if one not in known]
    if missing:
        raise DataError(
            f"it has no yields of {', '.join(missing)}, only of {', '.join(known)}",
            where=curves.source,
            remedy="level, slope and curvature take those of 3M, 2Y and 10Y",
        )
    return ParCurves(
        curves.time[days], curves.years, curves.yields[days], curves.source, curves.synthetic
    )


def _index(pricer: Pricer) -> tuple[Float64, Float64]:
    """`[N]` index of returns against fair value, and `[N]` fair value per 100 of face.

    On the first day, and after a break, nothing is compared: the fair value is that of the own
    bond, and the index stands still.
    """
    fair_value = pricer.issued.value()
    returns = np.ones(len(fair_value))
    days = 1 + np.flatnonzero(missing_before(pricer.time)[1:] <= LONGEST)
    later = np.append(pricer.ages, 0.0)
    fair_value[days] = pricer.issued.value(later)[days - 1]
    returns[days] = pricer.next_day.value()[days - 1] / fair_value[days]
    index = np.asarray(BASE * np.cumprod(returns), np.float64)
    return index, fair_value


def _carry(pricer: Pricer) -> Float64:
    """`[N]` what one calendar day on an unchanged curve makes, in basis points."""
    grown = pricer.issued.value(DAY_MS / YEAR_MS) / pricer.issued.value()
    return np.asarray(BASIS_POINTS * np.log(grown))
