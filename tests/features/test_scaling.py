from __future__ import annotations

import json

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

from atb.features import scaling

Float32 = npt.NDArray[np.float32]

ORACLES = {"minmax": MinMaxScaler, "standard": StandardScaler, "robust": RobustScaler}
every_kind = pytest.mark.parametrize("kind", ORACLES)


def sample(n: int = 500) -> Float32:
    rng = np.random.default_rng(3)
    return (rng.normal(size=(n, 4)) * [1, 1e-4, 50, 1] + [0, 1e-3, -7, 0]).astype(np.float32)


@every_kind
def test_it_is_the_scaler_of_scikit_learn(kind: str) -> None:
    rows, later = sample(), sample() * 3
    expected = ORACLES[kind]().fit(rows.astype(np.float64)).transform(later.astype(np.float64))
    scaled = scaling.fit(kind, rows).apply(later)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, expected, rtol=1e-5, atol=1e-5)


def test_min_and_max_become_zero_and_one() -> None:
    fitted = scaling.fit("minmax", np.array([[2, -1], [4, 0], [3, 1]], np.float32))
    assert fitted.scale.tolist() == [0.5, 0.5]
    assert fitted.offset.tolist() == [-1, 0.5]


@every_kind
@pytest.mark.parametrize("constant", [0.0, -3.5, 1e-6])
def test_a_constant_feature_is_shifted_and_not_scaled(kind: str, constant: float) -> None:
    rows = sample()
    rows[:, 2] = constant
    fitted = scaling.fit(kind, rows)
    assert fitted.scale[2] == pytest.approx(1)
    assert fitted.apply(rows)[:, 2] == pytest.approx(0, abs=1e-6)


@every_kind
@settings(deadline=None)
@given(
    rows=arrays.arrays(np.float32, (20, 2), elements=st.floats(-100, 100, width=32)),
)
def test_any_rows_give_a_finite_map(kind: str, rows: Float32) -> None:
    fitted = scaling.fit(kind, rows)
    assert np.isfinite(fitted.scale).all()
    assert (fitted.scale != 0).all()
    assert np.isfinite(fitted.offset).all()


def test_nan_stays_nan() -> None:
    fitted = scaling.fit("standard", sample())
    assert np.isnan(fitted.apply(np.full((2, 4), np.nan, np.float32))).all()


def test_json_keeps_every_bit() -> None:
    fitted = scaling.fit("robust", sample())
    again = json.loads(json.dumps(fitted.to_dict()))
    for name in ("scale", "offset"):
        assert np.float32(again[name]).tobytes() == getattr(fitted, name).tobytes()
