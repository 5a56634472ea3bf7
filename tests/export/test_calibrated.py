"""The exported graph is calibrated as the numbers that were judged are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.calibration import Calibration
from atb.config.architectures import Mlp
from atb.config.judgement import CalibrationSpec
from atb.config.targets import DirectionTarget, ReturnTarget, TernaryTarget
from atb.evaluation.calibration import fit

SPEC = Mlp(dense=(4,), dropout=0.0)
WINDOW = 8
CASES = {
    "one direction": DirectionTarget(),
    "directions": DirectionTarget(horizon=(1, 4)),
    "classes": TernaryTarget(horizon=4),
    "classes of horizons": TernaryTarget(horizon=(2, 4, 8)),
}


def made(target: Any) -> tuple[Any, Any]:
    """A network with disturbed weights, and its serving model."""
    from atb.config.features import SETS
    from atb.export.graph import serving_model
    from atb.features.scaling import Scaling
    from atb.models.build import network

    width = len(SETS["price"])
    built = network(SPEC, target, (WINDOW, width))
    draw = np.random.default_rng(0)
    built.set_weights([w + draw.normal(0, 0.5, w.shape) for w in built.get_weights()])
    count = len(target.horizons)
    serving = serving_model(
        built,
        features="price",
        columns=5,
        window=WINDOW,
        scaling=Scaling(np.ones(width, np.float32), np.zeros(width, np.float32)),
        target=target,
        target_scale=np.ones(count),
        target_offset=np.zeros(count),
    )
    return built, serving


def softened(raw: np.ndarray, target: Any) -> np.ndarray:
    """Raw outputs as a dataset serves them."""
    if target.classes == 2:
        return 1 / (1 + np.exp(-raw))
    shares = np.exp(raw.reshape(len(raw), -1, 3))
    return shares / shares.sum(axis=-1, keepdims=True)


@pytest.fixture
def windows(candles: np.ndarray) -> np.ndarray:
    from atb.config.features import lookback

    rows = WINDOW + lookback("price")
    return np.stack([candles[i : i + rows] for i in range(0, 2400, 8)])


def outputs(serving: Any, windows: np.ndarray) -> np.ndarray:
    """Raw outputs of the network in a serving model, `[M, K * L]` float64."""
    import keras

    from atb.export.graph import UNSCALE

    inner = keras.Model(serving.inputs, serving.get_layer(UNSCALE).output)
    return inner.predict(windows, verbose=0).astype(np.float64)


@pytest.mark.parametrize(
    ("case", "method"),
    [
        ("directions", "isotonic"),
        ("classes of horizons", "isotonic"),
        ("classes", "temperature"),
        pytest.param("one direction", "isotonic", marks=pytest.mark.slow),
        pytest.param("one direction", "temperature", marks=pytest.mark.slow),
        pytest.param("directions", "temperature", marks=pytest.mark.slow),
        pytest.param("classes", "isotonic", marks=pytest.mark.slow),
        pytest.param("classes of horizons", "temperature", marks=pytest.mark.slow),
    ],
)
def test_the_graph_says_what_was_judged(
    case: str, method: Any, windows: np.ndarray, tmp_path: Path, tensorflow_ready: None
) -> None:
    import onnx

    from atb.export import parity
    from atb.export.graph import calibrated
    from atb.export.onnx import export
    from atb.export.rewrite import load

    target = CASES[case]
    _, plain = made(target)
    raw = outputs(plain, windows)
    served = softened(raw, target)
    actual = np.random.default_rng(1).integers(0, target.classes, (len(raw), len(target.horizons)))
    taught = fit(CalibrationSpec(method=method), raw, served, actual.astype(float), target.classes)
    judged = taught.applied(softened(taught.logits(raw), target))

    serving = calibrated(plain, target, taught)
    path = tmp_path / "model.onnx"
    export(serving, path, {})
    assert parity.check(serving, path, windows).max_difference <= 1e-5
    assert not {node.op_type for node in onnx.load(path).graph.node} & {"Loop", "Scan", "If"}
    session = parity.open_session(path)
    (answer,) = session.run([target.output], {"candles": windows})
    np.testing.assert_allclose(answer.reshape(judged.shape), judged, atol=1e-5)
    assert np.abs(judged - served).max() > 0.01  # it does something

    damaged = windows[:3].copy()
    damaged[1, 0, 0] = np.nan
    (answer,) = session.run([target.output], {"candles": damaged})
    assert np.isfinite(answer).reshape(3, -1).all(axis=1).tolist() == [True, False, True]

    serving.save(tmp_path / "model.keras")
    again = load(tmp_path / "model.keras").predict(windows, verbose=0)
    np.testing.assert_array_equal(again, serving.predict(windows, verbose=0))


def test_steep_curves_are_within_tolerance_of_single_precision(tensorflow_ready: None) -> None:
    from atb.export.calibrated import Isotonic

    random = np.random.default_rng(0)
    given = 0.5 + random.normal(0, 0.02, (5000, 1))
    rose = (random.random(given.shape) < np.where(given > 0.5, 0.7, 0.3)).astype(float)
    taught = fit(CalibrationSpec(method="isotonic"), given, given, rose, 2)
    curves = taught.curves
    assert curves is not None
    layer = Isotonic(curves.knots.tolist(), curves.levels.tolist(), normalised=False)
    single = np.asarray(layer(given.astype(np.float32)))
    np.testing.assert_allclose(single, taught.applied(given), atol=2e-6)


def test_quantities_leave_as_they_are(windows: np.ndarray, tensorflow_ready: None) -> None:
    from atb.export.graph import calibrated

    _, plain = made(ReturnTarget())
    same = calibrated(plain, ReturnTarget(), Calibration(half_width=np.ones(1), coverage=0.9))
    expected, found = (model.predict(windows, verbose=0) for model in (plain, same))
    np.testing.assert_array_equal(found, expected)
