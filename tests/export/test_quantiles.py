"""A network that says quantiles is served with a further output, in the unit of the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.calibration import Calibration
from atb.config.targets import ReturnTarget

SCALE, OFFSET, WINDOW = 5e-3, 1e-4, 4


@pytest.fixture(scope="module")
def serving(tensorflow_ready: None) -> Any:
    """Flattened windows to a line, and quantiles one deviation around it."""
    import keras

    from atb.export.graph import serving_model
    from atb.features.scaling import Scaling
    from atb.tabular.distribution import line

    source = keras.Input((WINDOW, 5))
    flat = keras.layers.Flatten()(source)
    draw = np.random.default_rng(1)
    raw = line(flat, draw.normal(0, 0.1, (20, 1)))
    spread = line(raw, np.ones((1, 3)), np.array([-1.0, 0.0, 1.0]))
    return serving_model(
        keras.Model(source, [raw, spread]),
        features="price",
        columns=5,
        window=WINDOW,
        scaling=Scaling(np.full(5, 2.0, np.float32), np.full(5, -0.25, np.float32)),
        target=ReturnTarget(),
        target_scale=SCALE,
        target_offset=OFFSET,
    )


def test_the_file_gives_them_third_and_agrees(
    serving: Any, candles: np.ndarray, tmp_path: Path
) -> None:
    from atb.export import onnx, parity
    from atb.export.graph import calibrated

    path, rows = tmp_path / "model.onnx", serving.inputs[0].shape[1]
    made = calibrated(serving, ReturnTarget(), Calibration())
    windows = np.stack([candles[i : i + rows] for i in range(0, 3000, 100)])
    onnx.export(made, path, {})
    assert parity.check(made, path, windows).max_standardised_difference < 1e-5
    session = parity.open_session(path)
    assert [one.name for one in session.get_outputs()] == ["return", "features", "quantiles"]
    signal, quantiles = session.run(["return", "quantiles"], {"candles": windows})
    assert quantiles[:, 1] == pytest.approx(signal[:, 0], abs=1e-8)
    assert np.diff(quantiles, axis=1) == pytest.approx(SCALE, rel=1e-3)
    windows[0, -1, 3] = np.nan
    (damaged,) = session.run(["quantiles"], {"candles": windows})
    assert np.isnan(damaged[0]).all()
    assert np.isfinite(damaged[1:]).all()


def test_another_files_quantiles_are_no_parity(
    serving: Any, candles: np.ndarray, tmp_path: Path
) -> None:
    import keras

    from atb.errors import IntegrityError
    from atb.export import onnx, parity

    path, rows = tmp_path / "model.onnx", serving.inputs[0].shape[1]
    onnx.export(serving, path, {})
    changed = keras.models.clone_model(serving)
    changed.set_weights([w + 0.01 if w.shape == (3,) else w for w in serving.get_weights()])
    windows = np.stack([candles[i : i + rows] for i in range(0, 3000, 100)])
    with pytest.raises(IntegrityError, match="differ by"):
        parity.check(changed, path, windows)
