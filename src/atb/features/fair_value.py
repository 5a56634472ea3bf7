"""What a bond made beyond its fair value, and what it is made of.

A feature is a function of T days of a bond, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

from keras import ops

from atb.features.causal import Series, delay, log_ratio, total
from atb.features.days import Days
from atb.market.bonds.pricing import FACE


def excess_return(days: Days, horizon: int) -> Series:
    """Log of price over the price `horizon` days before."""
    return log_ratio(days.price, delay(days.price, horizon))


def excess_volatility(days: Days, rows: int) -> Series:
    """Root mean square of the last daily returns against fair value."""
    return ops.sqrt(total(ops.square(days.excess_return), rows) / rows)


def carry(days: Days) -> Series:
    """What a day on an unchanged curve makes, in basis points."""
    return days.carry


def premium(days: Days) -> Series:
    """By how much the fair value of the bond of the day before exceeds its face of 100."""
    return days.fair_value - FACE


def duration(days: Days) -> Series:
    """Mean time of payment in years."""
    return days.duration


def convexity(days: Days) -> Series:
    """Mean square of the times of payment in years squared."""
    return days.convexity
