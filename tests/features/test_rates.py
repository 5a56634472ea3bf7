"""Each feature of bonds beside its formula in NumPy, on simulated days."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
import pytest

from atb.config.bond_features import CATALOGUE
from atb.config.features import FEATURES
from atb.market.bonds.bonds import COLUMNS
from atb.market.bonds.build import build
from atb.market.bonds.sample import simulate

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

Float64 = npt.NDArray[np.float64]
Columns = Mapping[str, Float64]  # [N] each


@pytest.fixture(scope="module")
def days() -> Float64:
    """`[100, 9]` of the ten-year bond with a coupon far from its yield."""
    return build(simulate(100, seed=3), "UST10Y", coupon=1.0).values


def returns(of: Columns) -> Float64:
    return np.diff(np.log(of["price"]), prepend=np.nan)


def over(series: Float64, rows: int) -> Float64:
    """What changed over so many rows."""
    return np.concatenate([np.full(rows, np.nan), series[rows:] - series[:-rows]])


def mean(series: Float64, rows: int) -> Float64:
    """Of the last rows, each its own included."""
    found = np.full(len(series), np.nan)
    found[rows - 1 :] = np.lib.stride_tricks.sliding_window_view(series, rows).mean(axis=1)
    return found


FORMULAS: Mapping[str, Callable[..., Float64]] = {
    "excess_return": lambda of, n: over(np.log(of["price"]), n),
    "excess_volatility": lambda of, n: np.sqrt(mean(returns(of) ** 2, n)),
    "carry": lambda of: of["carry"],
    "premium": lambda of: of["fair_value"] - 100,
    "duration": lambda of: of["duration"],
    "convexity": lambda of: of["convexity"],
    "curve_level": lambda of: of["level"],
    "curve_slope": lambda of: of["slope"],
    "curve_curvature": lambda of: of["curvature"],
    "yield_change": lambda of, n: over(of["yield"], n),
    "slope_change": lambda of, n: over(of["slope"], n),
    "curvature_change": lambda of, n: over(of["curvature"], n),
    "yield_distance": lambda of, n: of["yield"] - mean(of["yield"], n),
}


@pytest.mark.parametrize("name", [feature.name for feature in CATALOGUE])
def test_a_feature_is_its_formula(days: Float64, name: str) -> None:
    from atb.features.days import Days
    from atb.features.layer import function_of

    feature = FEATURES[name]
    made = np.asarray(
        function_of(feature)(Days(days[np.newaxis].astype(np.float32)), *feature.parameters)
    )[0, :, 0]
    of = dict(zip(COLUMNS, days.T, strict=True))
    expected = FORMULAS[feature.function](of, *feature.parameters)[feature.lookback :]
    scale = max(float(np.abs(expected).max()), 0.01)
    assert np.isfinite(expected).all()
    assert np.ptp(expected) > 0
    assert np.abs(made - expected).max() < 2e-5 * scale
