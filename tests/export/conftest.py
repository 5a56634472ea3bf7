"""Real windows, and serving models whose every weight matters, for the tests of the export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from atb.config.features import SETS
from atb.config.targets import DirectionTarget, ReturnTarget
from atb.presets import create_config_from_preset

TARGETS = {"return": ReturnTarget(), "probability": DirectionTarget()}
SCALES = {"return": (5e-3, 1e-4), "probability": (1.0, 0.0)}


@pytest.fixture(scope="session")
def candles(market_data: Path) -> np.ndarray:
    """`[N, 5]` float32 hourly candles of BTCUSDT."""
    import pandas as pd

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    columns = ["open", "high", "low", "close", "volume"]
    return pd.read_feather(file, columns=columns).to_numpy(np.float32)


@pytest.fixture(scope="session")
def serve(tensorflow_ready: None) -> Callable[[Any, str, int, str], Any]:
    """`serve(spec, features, window, output)`: a serving model with disturbed weights."""
    import keras

    from atb.export.graph import serving_model
    from atb.features.scaling import Scaling
    from atb.models.build import network

    def serve(spec: Any, features: str, window: int, output: str) -> Any:
        keras.utils.set_random_seed(7)
        width = len(SETS[features])
        built = network(spec, TARGETS[output], (window, width))
        draw = np.random.default_rng(11)
        for weight in built.weights:
            value = weight.numpy()
            if np.issubdtype(value.dtype, np.floating):
                weight.assign(value + draw.uniform(-0.1, 0.1, value.shape))
        scale, offset = SCALES[output]
        return serving_model(
            built,
            features=features,
            columns=5,
            window=window,
            scaling=Scaling(np.full(width, 2.0, np.float32), np.full(width, -0.25, np.float32)),
            target=TARGETS[output],
            target_scale=scale,
            target_offset=offset,
        )

    return serve


@pytest.fixture(scope="session")
def exported(
    serve: Callable[[Any, str, int, str], Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], tuple[Any, Path]]:
    """`exported(preset, output)`: a preset's serving model and its ONNX file, made once."""
    from atb.export.onnx import export

    @cache
    def exported(preset: str, output: str) -> tuple[Any, Path]:
        config = create_config_from_preset(preset, "BTCUSDT")
        serving = serve(config.model, config.features, config.window, output)
        path = tmp_path_factory.mktemp(f"{preset}_{output}") / "model.onnx"
        export(serving, path, {"symbol": "BTCUSDT", "preset": preset})
        return serving, path

    return exported


@pytest.fixture
def same_after() -> Callable[..., Any]:
    """`same_after(rewrites, nodes, constants, shape, result)`: the rewritten graph.

    A graph from `x` of a free batch and the given shape to `y`, which must answer as before.
    """
    return _same_after


def _same_after(
    rewrites: Sequence[Callable[[onnx.ModelProto], None]],
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, np.ndarray],
    shape: tuple[int, ...],
    result: tuple[int, ...],
    tolerance: float = 0.0,
) -> onnx.GraphProto:
    from atb.export.editing import drop_unread

    graph = helper.make_graph(
        [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", *result])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    x = np.random.default_rng(0).uniform(0.5, 2.0, (3, *shape)).astype(np.float32)
    before = _answer(model, x)
    for rewrite in rewrites:
        rewrite(model)
        drop_unread(model.graph)
    onnx.checker.check_model(model, full_check=True)
    after = _answer(model, x)
    assert after.shape == (3, *result) and np.unique(after).size > 2
    np.testing.assert_allclose(after, before, rtol=tolerance, atol=0)
    return model.graph


def _answer(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})[0]
