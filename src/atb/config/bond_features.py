"""The catalogue of features of bonds, and their named sets; see `atb.config.features`.

Yields are in percent per year, so differences of them are percentage points; rows are days.
"""

from __future__ import annotations

from atb.config.feature import Feature

_DIEBOLD_LI = "Diebold and Li 2006, Journal of Econometrics 130(2)"
_ANDERSEN = "Andersen and Bollerslev 1998, International Economic Review 39(4)"
_KOIJEN = "Koijen, Moskowitz, Pedersen and Vrugt 2018, Journal of Financial Economics 127(2)"
_FISHER_WEIL = "Fisher and Weil 1971, Journal of Business 44(4)"
_TRADITION = "market practice"

# fmt: off
CATALOGUE: tuple[Feature, ...] = (
    *(Feature("fair_value", "excess_return", (n,), n, "log",
              "ln(price / price n days before)", _TRADITION)
      for n in (1, 5, 20)),
    *(Feature("fair_value", "excess_volatility", (n,), n, "log per day",
              "sqrt(mean_n(r^2)), r = ln(price / previous price)", _ANDERSEN)
      for n in (20, 60)),
    Feature("fair_value", "carry", (), 0, "basis points per day",
            "ln(value a day later on the same curve / value)", _KOIJEN),
    Feature("fair_value", "premium", (), 0, "points",
            "fair value - 100", _TRADITION),
    Feature("fair_value", "duration", (), 0, "years",
            "mean time of payment, by present value", _FISHER_WEIL),
    Feature("fair_value", "convexity", (), 0, "years squared",
            "mean square of the times of payment, by present value", _FISHER_WEIL),
    Feature("curve", "curve_level", (), 0, "percent",
            "y(10 years)", _DIEBOLD_LI),
    Feature("curve", "curve_slope", (), 0, "percentage points",
            "y(10 years) - y(3 months)", _DIEBOLD_LI),
    Feature("curve", "curve_curvature", (), 0, "percentage points",
            "2 y(2 years) - y(3 months) - y(10 years)", _DIEBOLD_LI),
    *(Feature("curve", "yield_change", (n,), n, "percentage points",
              "yield - yield n days before", _TRADITION)
      for n in (1, 5, 20)),
    *(Feature("curve", "slope_change", (n,), n, "percentage points",
              "slope - slope n days before", _TRADITION)
      for n in (1, 5)),
    Feature("curve", "curvature_change", (5,), 5, "percentage points",
            "curvature - curvature n days before", _TRADITION),
    *(Feature("curve", "yield_distance", (n,), n - 1, "percentage points",
              "yield - mean_n(yield)", _TRADITION)
      for n in (20, 60)),
)
# fmt: on

_RATES = (
    "excess_return_1",
    "excess_return_5",
    "excess_return_20",
    "excess_volatility_20",
    "excess_volatility_60",
    "carry",
    "curve_slope",
    "curve_curvature",
    "yield_change_1",
    "yield_change_5",
    "yield_change_20",
    "slope_change_1",
    "slope_change_5",
    "curvature_change_5",
    "yield_distance_20",
    "yield_distance_60",
)

SETS: dict[str, tuple[str, ...]] = {
    "rates": _RATES,
    "rates-levels": (*_RATES, "premium", "duration", "convexity", "curve_level"),
}
