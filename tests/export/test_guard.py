from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from atb.config.features import lookback
from atb.presets import create_config_from_preset


@pytest.mark.parametrize("output", ["return", "probability"])
@pytest.mark.parametrize("preset", ["fast", "legacy"])
def test_a_damaged_candle_never_leaves_as_a_number(
    serve: Callable[..., Any], candles: np.ndarray, tmp_path: Path, preset: str, output: str
) -> None:
    from atb.export.onnx import export

    config = create_config_from_preset(preset, "BTCUSDT")
    serving = serve(config.model, config.features, config.window, output)
    path = tmp_path / "model.onnx"
    export(serving, path, {})
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    rows = config.window + lookback(config.features)
    whole = np.repeat(candles[np.newaxis, :rows], 500, axis=0)
    rng = np.random.default_rng(3)
    damaged = whole.copy()
    cells = rng.integers(0, rows, 500), rng.integers(0, 5, 500)
    damaged[(np.arange(500), *cells)] = rng.choice([np.nan, np.inf, -np.inf], 500)

    assert np.isfinite(session.run(None, {"candles": whole[:1]})[0]).all()
    assert not np.isfinite(session.run(None, {"candles": damaged})[0]).any()
    assert not np.isfinite(serving.predict_on_batch(damaged)).any()
