from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.config.architectures import ConvRecurrent
from atb.config.features import SETS, lookback
from atb.config.targets import TARGETS, DirectionTarget, ReturnTarget

SPEC = ConvRecurrent(filters=(4,), pool=(2,), units=(5, 3), dense=(3,))
WINDOW = 10


def by_hand(serving: Any, windows: np.ndarray, output: str) -> np.ndarray:
    """Features, scaling, network and unscaling, one after another."""
    from atb.features.layer import FeatureSet

    features = np.asarray(FeatureSet("price")(windows))
    assert features.shape == (len(windows), WINDOW, len(SETS["price"]))
    raw = np.asarray(serving.get_layer("conv_recurrent")(features * 2.0 - 0.25))
    return raw * 5e-3 + 1e-4 if output == "return" else 1 / (1 + np.exp(-raw))


@pytest.mark.parametrize("output", ["return", "probability"])
def test_the_graph_is_features_scaling_network_and_unscaling(
    serve: Callable[..., Any], candles: np.ndarray, output: str
) -> None:
    serving = serve(SPEC, "price", WINDOW, output)
    rows = WINDOW + lookback("price")
    windows = np.stack([candles[i : i + rows] for i in (0, 500, 9000)])
    served = serving.predict_on_batch(windows)
    assert serving.input.shape == (None, rows, 5) and serving.input.name == "candles"
    assert served.shape == (3, 1) and served.dtype == np.float32
    assert serving.layers[-1].name == output
    np.testing.assert_allclose(served, by_hand(serving, windows, output), rtol=1e-5)


def test_one_unit_of_raw_output_is_known(serve: Callable[..., Any]) -> None:
    from atb.export.graph import output_scale

    assert output_scale(serve(SPEC, "price", WINDOW, "return")) == 5e-3
    assert output_scale(serve(SPEC, "price", WINDOW, "probability")) == 1.0


def test_further_training_does_not_reach_a_graph_that_was_made(
    tensorflow_ready: None, candles: np.ndarray
) -> None:
    from atb.export.graph import serving_model
    from atb.features.scaling import Scaling
    from atb.models.build import network

    width = len(SETS["price"])
    trained = network(SPEC, ReturnTarget(), (WINDOW, width))
    ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
    serving = serving_model(
        trained,
        features="price",
        columns=5,
        window=WINDOW,
        scaling=Scaling(ones, zeros),
        target=ReturnTarget(),
        target_scale=2.0,
        target_offset=0.5,
    )
    windows = candles[np.newaxis, : WINDOW + lookback("price")]
    assert serving.predict_on_batch(windows) == 0.5
    trained.get_layer("return_head").set_weights([np.ones((3, 1)), np.ones(1)])
    assert serving.predict_on_batch(windows) == 0.5


@pytest.mark.parametrize("target", [ReturnTarget(), DirectionTarget()], ids=lambda t: t.output)
def test_a_mixed_precision_network_is_served_in_float32(
    tensorflow_ready: None, target: ReturnTarget | DirectionTarget
) -> None:
    import keras

    from atb.export.graph import in_float32
    from atb.models.build import network

    spec = ConvRecurrent(filters=(4,), pool=(2,), cell="lstm", units=(5, 3), bidirectional=1)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = network(spec, target, (WINDOW, 5))
        served = in_float32(mixed)
    finally:
        keras.config.set_dtype_policy(policy)
    both = served.get_layer("bidirectional_1")
    inner = [both.forward_layer, both.backward_layer, both.forward_layer.cell]
    assert {layer.compute_dtype for layer in [*served.layers[1:], *inner]} == {"float32"}
    for ours, theirs in zip(served.weights, mixed.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("horizon", [4, (1, 4)])
@pytest.mark.parametrize("kind", TARGETS)
def test_every_target_leaves_as_what_it_says(
    tensorflow_ready: None, candles: np.ndarray, tmp_path: Path, kind: str, horizon: Any
) -> None:
    """Shapes, names and numbers of the served output, in Keras and in ONNX."""
    import onnxruntime

    from atb.export.graph import serving_model
    from atb.export.onnx import export
    from atb.export.parity import check
    from atb.features.scaling import Scaling
    from atb.models.build import network

    several = isinstance(horizon, tuple)
    if several and kind == "triple_barrier":
        horizon, several = 4, False
    target = TARGETS[kind](horizon=horizon)
    count, width = len(target.horizons), len(SETS["price"])
    trained = network(SPEC, target, (WINDOW, width))
    draw = np.random.default_rng(0)
    trained.set_weights([w + draw.normal(0, 0.3, w.shape) for w in trained.get_weights()])
    scale = np.linspace(5e-3, 1e-2, count) if target.classes == 1 else np.ones(count)
    serving = serving_model(
        trained,
        features="price",
        columns=5,
        window=WINDOW,
        scaling=Scaling(np.ones(width, np.float32), np.zeros(width, np.float32)),
        target=target,
        target_scale=scale,
        target_offset=np.zeros(count),
    )
    rows = WINDOW + lookback("price")
    windows = np.stack([candles[i : i + rows] for i in range(0, 3000, 30)])
    shape = (count, 3) if target.classes == 3 and several else (3,)
    expected = (100, *(shape if target.classes == 3 else (count,)))
    served = serving.predict(windows, verbose=0)
    assert served.shape == expected
    if target.classes == 3:
        np.testing.assert_allclose(served.sum(axis=-1), 1, atol=1e-6)
    export(serving, tmp_path / "model.onnx", {})
    assert check(serving, tmp_path / "model.onnx", windows).max_difference < 1e-5
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [one.name for one in session.get_outputs()] == [target.output, "features"]
    damaged = windows[:4].copy()
    damaged[1, 3, 2] = np.nan
    (answer,) = session.run([target.output], {"candles": damaged})
    assert answer.shape == (4, *expected[1:])
    assert np.isfinite(answer).reshape(4, -1).all(axis=1).tolist() == [True, False, True, True]
