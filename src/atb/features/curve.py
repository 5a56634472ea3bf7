"""Where the yield curve stands and how it moved, in percent and percentage points.

A feature is a function of T days of a bond, and of its parameters in the catalogue, to
`[B, T - lookback, 1]`.
"""

from __future__ import annotations

from atb.features.causal import Series, from_last, mean
from atb.features.days import Days


def curve_level(days: Days) -> Series:
    """Yield of ten years."""
    return days.level


def curve_slope(days: Days) -> Series:
    """Yield of ten years less that of three months."""
    return days.slope


def curve_curvature(days: Days) -> Series:
    """Twice the yield of two years less those of three months and ten years."""
    return days.curvature


def yield_change(days: Days, rows: int) -> Series:
    """Yield minus the yield `rows` days before."""
    return _change(days.own_yield, rows)


def slope_change(days: Days, rows: int) -> Series:
    """Slope minus the slope `rows` days before."""
    return _change(days.slope, rows)


def curvature_change(days: Days, rows: int) -> Series:
    """Curvature minus the curvature `rows` days before."""
    return _change(days.curvature, rows)


def yield_distance(days: Days, rows: int) -> Series:
    """Yield minus the mean of the last `rows` yields."""
    return -from_last(days.yield_change, mean(rows))


def _change(series: Series, rows: int) -> Series:
    return series[:, rows:] - series[:, :-rows]
