"""What every architecture must do, and every preset's spec of one: tested by existing."""

from __future__ import annotations

import pkgutil
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb import presets
from atb.config.architectures import ARCHITECTURES
from atb.config.features import SETS
from atb.config.training import TrainingConfig

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

CASES = [*presets.names(), *ARCHITECTURES]
SHARED = {"build", "heads"}


def config_of(case: str) -> TrainingConfig:
    """A preset's recipe, or the default spec of an architecture."""
    if case in ARCHITECTURES:
        return TrainingConfig(symbol="BTCUSDT", model=ARCHITECTURES[case]())
    return presets.create_config_from_preset(case, "BTCUSDT")


def shape_of(config: TrainingConfig) -> tuple[int, int]:
    return config.window, len(SETS[config.features])


def network_of(case: str, seed: int = 7) -> Any:
    import keras

    from atb.models.build import network

    keras.utils.set_random_seed(seed)
    config = config_of(case)
    return network(config.model, config.target, shape_of(config))


def disturbed(network: Any) -> Any:
    """The network with no weight at its initial value, so that every one of them matters."""
    draw = np.random.default_rng(11)
    for weight in network.weights:
        value = weight.numpy()
        if np.issubdtype(value.dtype, np.floating):
            weight.assign(value + draw.uniform(-0.1, 0.1, value.shape))
    return network


def windows(case: str, count: int = 5) -> np.ndarray:
    shape = (count, *shape_of(config_of(case)))
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def recurrent_layers(serving: Any) -> int:
    from keras import layers

    (network,) = (layer for layer in serving.layers if layer.name in ARCHITECTURES)
    kinds = (layers.RNN, layers.Bidirectional)
    return sum(isinstance(layer, kinds) for layer in network.layers)


def conv(width: int, filters: int, batch_norm: bool) -> int:
    """Kernel 3; a bias, or gain, offset, mean and variance of batch norm."""
    return 3 * width * filters + (4 if batch_norm else 1) * filters


def gru(width: int, units: int) -> int:
    """Three gates, each with a kernel, a recurrent kernel and two biases (Cho et al. 2014)."""
    return 3 * units * (width + units + 2)


def lstm(width: int, units: int) -> int:
    """Four gates, each with a kernel, a recurrent kernel and a bias (Hochreiter 1997)."""
    return 4 * units * (width + units + 1)


def dense(width: int, units: int) -> int:
    return (width + 1) * units


PARAMETERS = {
    "fast": conv(15, 32, True) + gru(32, 64) + gru(64, 32) + dense(32, 32) + dense(32, 1),
    "balanced": conv(15, 48, True)
    + conv(48, 96, True)
    + (gru(96, 80) + 2 * 80 + gru(80, 40))
    + (dense(40, 40) + dense(40, 1)),
    "quality": conv(15, 64, True)
    + conv(64, 128, True)
    + conv(128, 256, True)
    + (2 * lstm(256, 120) + lstm(240, 60))
    + (dense(60, 80) + dense(80, 40) + dense(40, 1)),
    "legacy": conv(15, 64, False)
    + conv(64, 128, False)
    + (lstm(128, 100) + lstm(100, 50))
    + (dense(50, 50) + dense(50, 1)),
}


def test_every_preset_has_its_count_on_paper() -> None:
    assert PARAMETERS.keys() == set(presets.names())


def test_specs_and_files_match_one_to_one() -> None:
    import atb.models

    files = {module.name for module in pkgutil.iter_modules(atb.models.__path__)} - SHARED
    assert files == set(ARCHITECTURES)
    for name, spec in ARCHITECTURES.items():
        assert spec().architecture == name
        assert callable(import_module(f"atb.models.{name}").build)


@pytest.mark.parametrize("case", CASES)
def test_one_number_comes_out_of_a_window(case: str) -> None:
    network = network_of(case)
    output = network.predict_on_batch(windows(case))
    assert network.input.shape == (None, *shape_of(config_of(case)))
    assert output.shape == (5, 1) and output.dtype == np.float32


@pytest.mark.parametrize("case", CASES)
def test_an_untrained_network_predicts_the_mean(case: str) -> None:
    assert not network_of(case).predict_on_batch(windows(case)).any()


@pytest.mark.parametrize("preset", PARAMETERS)
def test_the_parameters_are_those_of_the_formula(preset: str) -> None:
    assert network_of(preset).count_params() == PARAMETERS[preset]


@pytest.mark.parametrize("case", CASES)
def test_every_weight_takes_part(case: str) -> None:
    import tensorflow as tf

    network, batch = disturbed(network_of(case)), windows(case)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(network(batch, training=True) - 1))
    for weight, gradient in zip(
        network.trainable_weights,
        tape.gradient(loss, [weight.value for weight in network.trainable_weights]),
        strict=True,
    ):
        assert gradient is not None and np.any(gradient), weight.path


@pytest.mark.parametrize("case", CASES)
def test_the_seed_alone_decides_the_weights(case: str) -> None:
    first, again, other = (network_of(case, seed).get_weights() for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("case", CASES)
def test_inference_is_deterministic_and_independent_of_the_batch(case: str) -> None:
    network, batch = disturbed(network_of(case)), windows(case)
    together = network.predict_on_batch(batch)
    np.testing.assert_array_equal(network.predict_on_batch(batch), together)
    np.testing.assert_allclose(network.predict_on_batch(batch[2:3]), together[2:3], atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_a_saved_network_comes_back_bit_for_bit(case: str, tmp_path: Path) -> None:
    import keras

    network, batch = disturbed(network_of(case)), windows(case)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in network.layers]
    np.testing.assert_array_equal(loaded.predict_on_batch(batch), network.predict_on_batch(batch))


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
@pytest.mark.parametrize("case", CASES)
def test_mixed_precision_ends_in_float32_and_leaves_for_float32(case: str, precision: str) -> None:
    import keras

    from atb.export.graph import in_float32

    batch, full = windows(case), disturbed(network_of(case))
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        mixed = disturbed(network_of(case))
    finally:
        keras.config.set_dtype_policy(policy)
    assert "float16" in mixed.layers[1].compute_dtype.replace("bfloat", "float")
    output = mixed.predict_on_batch(batch)
    assert output.dtype == np.float32 and np.isfinite(output).all()
    np.testing.assert_array_equal(
        in_float32(mixed).predict_on_batch(batch), full.predict_on_batch(batch)
    )


@pytest.mark.parametrize("case", CASES)
def test_the_exported_graph_is_fused_and_agrees_with_keras(
    case: str, tmp_path: Path, market_data: Path
) -> None:
    import onnx
    import pandas as pd

    from atb.export import graph, parity
    from atb.export.onnx import export
    from atb.features.scaling import Scaling

    config = config_of(case)
    window, width = shape_of(config)
    serving = graph.serving_model(
        disturbed(network_of(case)),
        features=config.features,
        window=window,
        scaling=Scaling(np.ones(width, np.float32), np.zeros(width, np.float32)),
        target=config.target,
        target_scale=5e-3,
        target_offset=1e-4,
    )
    path = tmp_path / "model.onnx"
    export(serving, path, {})
    operators = Counter(node.op_type for node in onnx.load(path).graph.node)
    assert operators["GRU"] + operators["LSTM"] == recurrent_layers(serving)
    assert not operators.keys() & {"Loop", "Scan", "If"}

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    columns = ["open", "high", "low", "close", "volume"]
    candles = pd.read_feather(file, columns=columns).to_numpy(np.float32)
    rows = serving.input.shape[1]
    real = parity.sample(candles, np.arange(rows - 1, len(candles)), rows, 100)
    assert parity.check(serving, path, real).windows == 100
