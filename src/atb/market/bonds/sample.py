"""A seeded simulator of par yield curves, for tests and audits; always marked synthetic.

Level, slope and curvature walk at random and are drawn to their means (Diebold and Li 2006, Journal
of Econometrics 130(2)); no day says anything useful about the next one's surprise.
"""

from __future__ import annotations

import numpy as np

from atb.clock import parse_time
from atb.market.bonds.curves import Float64, Int64, ParCurves, years_of

START_MS = parse_time("2000-01-03")
DAYS = 4_000

_TENORS = ("1M", "3M", "6M", "1Y", "2Y", "3Y", "5Y", "7Y", "10Y", "20Y", "30Y")
_MEANS = np.array([5.0, -2.0, -0.5])  # percent: level, slope and curvature
_STEPS = np.array([0.05, 0.05, 0.12])  # percent, standard deviation of a day's move
_DRAWN = 0.998  # share of the distance to the mean that is left after a day
_DECAY = 0.7308  # per year: curvature weighs most at 2.5 years
_LOWEST = 0.05  # percent


def simulate(days: int = DAYS, seed: int = 0, start_ms: int = START_MS) -> ParCurves:
    """Curves of so many weekdays from a day on; the same arguments give the same curves."""
    random = np.random.default_rng(seed)
    years = np.array([years_of(tenor) for tenor in _TENORS])
    factors = np.empty((days, 3))
    now = _MEANS
    for row, move in enumerate(random.normal(size=(days, 3)) * _STEPS):
        now = _MEANS + _DRAWN * (now - _MEANS) + move
        factors[row] = now
    yields = np.maximum(factors @ _loadings(years), _LOWEST)
    return ParCurves(_weekdays(days, start_ms), years, yields.round(2), "sample", synthetic=True)


def _loadings(years: Float64) -> Float64:
    """`[3, K]` how level, slope and curvature weigh at each maturity (Nelson and Siegel 1987)."""
    slope = -np.expm1(-_DECAY * years) / (_DECAY * years)
    return np.stack([np.ones_like(years), slope, slope - np.exp(-_DECAY * years)])


def _weekdays(days: int, start_ms: int) -> Int64:
    first = np.datetime64(start_ms, "ms").astype("datetime64[D]")
    found = np.busday_offset(first, np.arange(days), roll="forward")
    return found.astype("datetime64[ms]").astype(np.int64)
