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
from atb.config.architectures import ARCHITECTURES, AnyArchitecture, Gru, Lstm, Transformer
from atb.config.features import SETS
from atb.config.targets import TARGETS
from atb.config.training import TrainingConfig

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

# What a network does is asked of short windows: recurrent layers take their time by the step.
BARS = 16

# Options that no preset and no default has, all of them at once.
VARIANTS: dict[str, AnyArchitecture] = {
    "gru_both_ways": Gru(units=(7, 6, 5), recurrent_dropout=0.3, bidirectional=True, dense=(4,)),
    "lstm_both_ways": Lstm(units=(7, 6, 5), recurrent_dropout=0.3, bidirectional=True, dense=(4,)),
    "lstm_three": Lstm(units=(7, 6, 5), recurrent_dropout=0.3),
    # As many heads as bars: a transposition the converter got wrong would go unseen by shapes.
    "transformer_causal": Transformer(
        width=32, heads=BARS, blocks=1, causal=True, positions="learned", dense=(8,)
    ),
}
CASES: dict[str, TrainingConfig] = {
    **{name: presets.create_config_from_preset(name, "BTCUSDT") for name in presets.names()},
    **{
        f"default_{name}": TrainingConfig(symbol="BTCUSDT", model=spec())
        for name, spec in ARCHITECTURES.items()
    },
    **{name: TrainingConfig(symbol="BTCUSDT", model=spec) for name, spec in VARIANTS.items()},
}
SHARED = {"build", "heads", "blocks", "recurrent", "hidden", "remade", "document"}


def width_of(case: str) -> int:
    return len(SETS[CASES[case].features])


def network_of(case: str, seed: int = 7, bars: int = BARS) -> Any:
    import keras

    from atb.models.build import network

    keras.utils.set_random_seed(seed)
    return network(CASES[case].model, CASES[case].target, (bars, width_of(case)))


def disturbed(network: Any) -> Any:
    """The network with no weight at its initial value, so that every one of them matters."""
    draw = np.random.default_rng(11)
    for weight in network.weights:
        value = weight.numpy()
        if np.issubdtype(value.dtype, np.floating):
            weight.assign(value + draw.uniform(-0.1, 0.1, value.shape))
    return network


def windows(case: str, count: int = 5) -> np.ndarray:
    shape = (count, BARS, width_of(case))
    return np.random.default_rng(3).normal(size=shape).astype(np.float32)


def recurrent_layers(serving: Any) -> int:
    from keras import layers

    (network,) = (layer for layer in serving.layers if layer.name in ARCHITECTURES)
    kinds = (layers.RNN, layers.Bidirectional)
    return sum(isinstance(layer, kinds) for layer in network.layers)


def conv(width: int, filters: int, batch_norm: bool = False, kernel: int = 3) -> int:
    """A bias, or gain, offset, mean and variance of batch norm."""
    return kernel * width * filters + (4 if batch_norm else 1) * filters


def gru(width: int, units: int) -> int:
    """Three gates, each with a kernel, a recurrent kernel and two biases (Cho et al. 2014)."""
    return 3 * units * (width + units + 2)


def lstm(width: int, units: int) -> int:
    """Four gates, each with a kernel, a recurrent kernel and a bias (Hochreiter 1997)."""
    return 4 * units * (width + units + 1)


def dense(width: int, units: int) -> int:
    return (width + 1) * units


def encoder(width: int, feed_forward: int) -> int:
    """Two layer norms, query, key, value and output without bias, two dense layers."""
    attention = 4 * width * width
    return 4 * width + attention + dense(width, feed_forward) + dense(feed_forward, width)


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
    "legacy": conv(15, 64)
    + conv(64, 128)
    + (lstm(128, 100) + lstm(100, 50))
    + (dense(50, 50) + dense(50, 1)),
    "lstm": lstm(15, 256) + lstm(256, 256) + dense(256, 3),
    "gru": gru(15, 256) + gru(256, 256) + dense(256, 3),
    "direction-lstm": lstm(31, 64) + lstm(64, 64) + dense(64, 64) + dense(64, 1),
    "tcn": conv(15, 64) + conv(15, 64, kernel=1) + 9 * conv(64, 64) + dense(64, 3),
    "transformer": (15 * 64 + 60 * 64) + 3 * encoder(64, 256) + 2 * 64 + dense(64, 3),
    # The default specs, on 90 bars of 15 features with one output.
    "default_mlp": dense(90 * 15, 128) + dense(128, 64) + dense(64, 1),
    "default_cnn": conv(15, 32, True)
    + conv(32, 64, True)
    + conv(64, 64, True)
    + (dense(12 * 64, 64) + dense(64, 1)),
    "default_conv_recurrent": conv(15, 48, True)
    + conv(48, 96, True)
    + (gru(96, 80) + gru(80, 40))
    + (dense(40, 40) + dense(40, 1)),
    "default_gru": gru(15, 64) + gru(64, 64) + dense(64, 1),
    "default_lstm": lstm(15, 64) + lstm(64, 64) + dense(64, 1),
    "default_bilstm": 2 * (lstm(15, 64) + lstm(128, 64)) + dense(128, 1),
    "default_tcn": conv(15, 64) + conv(15, 64, kernel=1) + 9 * conv(64, 64) + dense(64, 1),
    "default_transformer": dense(15, 64) + 2 * encoder(64, 128) + 2 * 64 + dense(64, 1),
    "gru_both_ways": 2 * (gru(15, 7) + gru(14, 6) + gru(12, 5)) + dense(10, 4) + dense(4, 1),
    "lstm_both_ways": 2 * (lstm(15, 7) + lstm(14, 6) + lstm(12, 5)) + dense(10, 4) + dense(4, 1),
    "lstm_three": lstm(15, 7) + lstm(7, 6) + lstm(6, 5) + dense(5, 1),
    "transformer_causal": (15 * 32 + 90 * 32)
    + (encoder(32, 128) + 2 * 32)
    + (dense(32, 8) + dense(8, 1)),
}


def test_every_case_has_its_count_on_paper() -> None:
    assert PARAMETERS.keys() == CASES.keys()


def test_specs_and_files_match_one_to_one() -> None:
    import atb.models

    files = {module.name for module in pkgutil.iter_modules(atb.models.__path__)} - SHARED
    assert files == set(ARCHITECTURES)
    for name, spec in ARCHITECTURES.items():
        assert spec().architecture == name
        assert callable(import_module(f"atb.models.{name}").build)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_each_horizon_of_each_target_has_its_raw_outputs(architecture: str) -> None:
    from atb.models.build import network

    batch = np.ones((2, 8, 4), np.float32)
    one = [target(horizon=2) for target in TARGETS.values()]
    three = {"horizon": (1, 5, 20)}
    several = [t.model_validate(three) for k, t in TARGETS.items() if k != "triple_barrier"]
    for target in (*one, *several):
        output = network(ARCHITECTURES[architecture](), target, (8, 4))(batch)
        logits = 3 if target.classes == 3 else 1
        assert output.shape == (2, len(target.horizons) * logits), target
        assert output.dtype == "float32", target


@pytest.mark.parametrize("case", CASES)
def test_an_untrained_network_predicts_the_mean(case: str) -> None:
    assert not np.any(network_of(case)(windows(case)))


@pytest.mark.parametrize("case", CASES)
def test_the_parameters_are_those_of_the_formula(case: str) -> None:
    network = network_of(case, bars=CASES[case].window)
    assert network.input.shape == (None, CASES[case].window, width_of(case))
    assert network.count_params() == PARAMETERS[case]


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
    np.testing.assert_array_equal(loaded(batch), network(batch))


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
    output = mixed(batch)
    assert output.dtype == "float32" and np.isfinite(output).all()
    np.testing.assert_array_equal(in_float32(mixed)(batch), full(batch))


@pytest.mark.parametrize("case", CASES)
def test_the_exported_graph_is_fused_and_agrees_with_keras(
    case: str, tmp_path: Path, market_data: Path
) -> None:
    import onnx
    import pandas as pd

    from atb.export import graph, parity
    from atb.export.onnx import export
    from atb.features.scaling import Scaling

    target, width = CASES[case].target, width_of(case)
    serving = graph.serving_model(
        disturbed(network_of(case)),
        features=CASES[case].features,
        window=BARS,
        scaling=Scaling(np.ones(width, np.float32), np.zeros(width, np.float32)),
        target=target,
        target_scale=5e-3 if target.classes == 1 else 1.0,
        target_offset=1e-4 if target.classes == 1 else 0.0,
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
