"""What every architecture must do, and every preset's spec of one: tested by existing."""

from __future__ import annotations

import pkgutil
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from atb import presets
from atb.config.architectures import ARCHITECTURES, AnyArchitecture, Gru, Lstm, Transformer
from atb.config.features import width
from atb.config.tabular import AnyTabular as Tabular
from atb.config.targets import TARGETS, AnyTarget, MidPriceTarget, ReturnTarget
from atb.config.training import TrainingConfig
from atb.errors import ConfigError
from atb.registry import keras_file, onnx_file

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
NETWORK_SPECS = {
    name: spec for name, spec in ARCHITECTURES.items() if spec not in get_args(Tabular)
}
PRESETS: dict[str, TrainingConfig] = {
    name: config
    for name in presets.names()
    if not isinstance((config := presets.create_config_from_preset(name, "BTCUSDT")).model, Tabular)
}
# Defaults that no preset has.
DEFAULTS: dict[str, TrainingConfig] = {
    f"default_{name}": TrainingConfig(symbol="BTCUSDT", model=spec())
    for name, spec in NETWORK_SPECS.items()
    if all(config.model != spec() for config in PRESETS.values())
}
CASES: dict[str, TrainingConfig] = {
    **PRESETS,
    **DEFAULTS,
    **{name: TrainingConfig(symbol="BTCUSDT", model=spec) for name, spec in VARIANTS.items()},
}
NETWORKS = [case for case in CASES if case not in ("ridge", "lasso")]  # which `ols` stands for
# The format with the narrow range is asked of all, the other of those without a book.
HALVES = [
    *((case, "mixed_float16") for case in NETWORKS),
    *((case, "mixed_bfloat16") for case in NETWORKS if CASES[case].data.kind == "candles"),
]
SHARED = {
    *("build", "heads", "blocks", "recurrent", "hidden", "remade", "document", "custom"),
    *("bilinear", "mixing", "attention", "decoder", "deeplob_trunk", "votes"),
}
DECODERS = {"deeplob_seq2seq", "temporal_attention"}  # whose answers are classes
WHOLE = {*DECODERS, "bin_ctabl", "ensemble"}  # with a last layer of their own


def width_of(case: str) -> int:
    return width(CASES[case].features)


def network_of(case: str, seed: int = 7, bars: int = BARS, features: str = "") -> Any:
    import keras

    from atb.models.build import network

    columns = width(features) if features else width_of(case)
    spec = CASES[case].model
    if bars == BARS and "layers" in type(spec).model_fields:  # two have all that more have
        spec = spec.model_copy(update={"layers": 2})
    keras.utils.set_random_seed(seed)
    return network(spec, CASES[case].target, (bars, columns))


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

    kinds = (layers.RNN, layers.Bidirectional)
    return sum(
        isinstance(layer, kinds) + recurrent_layers(layer)
        for layer in getattr(serving, "layers", ())
    )


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


def normalised(rows: int, width: int) -> int:
    """A gain and an offset for each row and each column, and two shares (Tran et al. 2021)."""
    return 2 * (rows + width) + 2


def bilinear(before: tuple[int, int], after: tuple[int, int]) -> int:
    """A matrix for the rows, one for the columns, and a bias (Tran et al. 2019)."""
    (rows, width), (steps, features) = before, after
    return rows * steps + width * features + steps * features


def mixer(width: int, out: int) -> int:
    """Two dense layers and a layer norm (Berti and Kasneci 2025)."""
    return dense(width, 4 * width) + dense(4 * width, out) + 2 * out


def attending(width: int, out: int) -> int:
    """Query, key, value and output without bias, a layer norm, a mixer."""
    return 4 * width * width + 2 * width + mixer(width, out)


def levels(filters: int, inception: int) -> int:
    """DeepLOB below its LSTM: two, two and ten columns put together, four rows, an inception."""
    across = conv(1, filters, kernel=2) + sum(conv(filters, filters, kernel=k) for k in (2, 10))
    branches = 3 * conv(filters, inception, kernel=1)
    branches += sum(conv(inception, inception, kernel=k) for k in (3, 5))
    return across + 6 * conv(filters, filters, kernel=4) + branches


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
    "lob-mlp": dense(100 * 38, 128) + dense(128, 64) + dense(64, 64) + dense(64, 12),
    "lob-lstm": lstm(38, 40) + dense(40, 64) + dense(64, 12),
    "lob-cnn": (conv(40, 16, kernel=4) + conv(16, 16, kernel=4) + conv(16, 32) + conv(32, 32))
    + (dense(25 * 32, 32) + dense(32, 12)),
    "deeplob": levels(16, 32) + lstm(96, 64) + dense(64, 12),
    "deeplob-wide": levels(32, 64) + lstm(192, 64) + dense(64, 12),
    # A batch norm, a decoder that reads an answer and a context, one head for all horizons.
    "deeplob-seq2seq": (levels(16, 32) + lstm(96, 64))
    + (4 * 64 + lstm(3 + 64, 64) + dense(64 + 64, 3)),
    # Scores of v tanh(W1 h + W2 s).
    "temporal-attention": sum(conv(38, 32, kernel=k) for k in (3, 5, 7))
    + (lstm(96, 64) + (2 * 64 + 1) * 64)
    + (lstm(3 + 64, 64) + dense(64 + 64, 3)),
    "translob": (conv(40, 14, kernel=2) + 4 * conv(14, 14, kernel=2) + 2 * 14)
    + encoder(15, 60)
    + (dense(100 * 15, 64) + dense(64, 12)),
    "tlob": (normalised(128, 40) + dense(40, 40))
    + 3 * (attending(40, 40) + attending(128, 128))
    + (attending(40, 10) + attending(128, 32))
    + (dense(10 * 32, 80) + dense(80, 12)),
    "mlplob": (normalised(384, 40) + dense(40, 40))
    + 2 * (mixer(40, 40) + mixer(384, 384))
    + (mixer(40, 10) + mixer(384, 96))
    + (dense(10 * 96, 240) + dense(240, 60) + dense(60, 12)),
    # The last: answers from columns, attention among 5 steps, its share, weights of the steps.
    "bin-ctabl": (normalised(10, 40) + bilinear((10, 40), (10, 60)) + bilinear((10, 60), (5, 120)))
    + (120 * 12 + 5 * 5 + 1 + 5 + 12),
    **dict.fromkeys(("ols", "ridge", "lasso"), dense(5 * 38, 4)),
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
    # A share of each member.
    "default_ensemble": (gru(15, 64) + gru(64, 64) + dense(64, 1))
    + (conv(15, 64) + conv(15, 64, kernel=1) + 9 * conv(64, 64) + dense(64, 1))
    + 2,
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
    assert files == set(NETWORK_SPECS)
    for name, spec in NETWORK_SPECS.items():
        assert spec().architecture == name
        module = import_module(f"atb.models.{name}")
        assert callable(getattr(module, "network" if name in WHOLE else "build"))


def raw_output(architecture: str, target: AnyTarget) -> Any:
    from atb.models.build import network

    batch = np.ones((2, 12, 4), np.float32)
    return network(NETWORK_SPECS[architecture](), target, (12, 4))(batch)


@pytest.mark.parametrize("target", TARGETS.values())
def test_each_horizon_of_each_target_has_its_raw_outputs(target: type[AnyTarget]) -> None:
    several = () if target.model_fields["kind"].default == "triple_barrier" else ((1, 5, 20),)
    for horizon in (2, *several):
        asked = target.model_validate({"horizon": horizon})
        logits = 3 if asked.classes == 3 else 1
        assert raw_output("mlp", asked).shape == (2, len(asked.horizons) * logits)


@pytest.mark.parametrize("architecture", NETWORK_SPECS)
def test_each_architecture_answers_quantities_and_classes(architecture: str) -> None:
    classes = raw_output(architecture, MidPriceTarget(horizon=(1, 5, 20)))
    assert (classes.shape, classes.dtype) == ((2, 9), "float32")
    if architecture in DECODERS:
        with pytest.raises(ConfigError):
            raw_output(architecture, ReturnTarget())
    else:
        quantity = raw_output(architecture, ReturnTarget())
        assert (quantity.shape, quantity.dtype) == ((2, 1), "float32")


@pytest.mark.parametrize("case", NETWORKS)
def test_an_untrained_network_predicts_the_mean(case: str) -> None:
    assert not np.any(network_of(case)(windows(case)))


@pytest.mark.parametrize("case", CASES)
def test_the_parameters_are_those_of_the_formula(case: str) -> None:
    network = network_of(case, bars=CASES[case].window)
    assert network.input.shape == (None, CASES[case].window, width_of(case))
    assert network.count_params() == PARAMETERS[case]


@pytest.mark.parametrize("case", NETWORKS)
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


@pytest.mark.parametrize("case", NETWORKS)
def test_the_seed_alone_decides_the_weights(case: str) -> None:
    first, again, other = (network_of(case, seed).get_weights() for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    random = CASES[case].model.architecture != "linear"  # which is solved, and begins with zeros
    assert random == any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("case", NETWORKS)
def test_inference_is_deterministic_and_independent_of_the_batch(case: str) -> None:
    network, batch = disturbed(network_of(case)), windows(case)
    together = np.asarray(network(batch))
    np.testing.assert_array_equal(network(batch), together)
    np.testing.assert_allclose(network(batch[2:3]), together[2:3], 1e-5, 1e-6)


@pytest.mark.parametrize("case", NETWORKS)
def test_a_saved_network_comes_back_bit_for_bit(case: str, tmp_path: Path) -> None:
    import keras

    network, batch = disturbed(network_of(case)), windows(case)
    network.save(tmp_path / "model.keras")
    keras_file.require_plain(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in network.layers]
    np.testing.assert_array_equal(loaded(batch), network(batch))


@pytest.mark.parametrize(("case", "precision"), HALVES)
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
    computed = {layer.compute_dtype for layer in mixed.layers}
    assert computed & {precision.removeprefix("mixed_")}
    output = mixed(batch)
    assert output.dtype == "float32" and np.isfinite(output).all()
    np.testing.assert_array_equal(in_float32(mixed)(batch), full(batch))


@pytest.fixture(scope="module")
def rows(market_data: Path) -> dict[str, np.ndarray]:
    """Raw rows of each market."""
    import pandas as pd

    from atb.market.lob.files import read

    file = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    columns = ["open", "high", "low", "close", "volume"]
    book = read(market_data / "lob" / "LOBSTER_GOOG_2012-06-21_34200000_50400000_10.zip")
    return {
        "candles": pd.read_feather(file, columns=columns).to_numpy(np.float32),
        "book": book.rows(0, 10_000).matrix(),
    }


# Features of books take their time to convert, and are converted in tests of their own: networks of
# books get the raw levels here.
@pytest.mark.parametrize("case", NETWORKS)
def test_the_exported_graph_is_fused_and_agrees_with_keras(
    case: str, tmp_path: Path, rows: dict[str, np.ndarray]
) -> None:
    import onnx

    from atb.export import graph, parity, sampling
    from atb.export.onnx import export

    config = CASES[case]
    features = "raw40" if config.data.kind == "book" else config.features
    matrix = rows[config.data.kind]
    serving = graph.serving_model(
        disturbed(network_of(case, features=features)),
        features=features,
        columns=matrix.shape[1],
        window=BARS,
        scaling=scaling_of(features, matrix),
        target=config.target,
        target_scale=5e-3 if config.target.classes == 1 else 1.0,
        target_offset=1e-4 if config.target.classes == 1 else 0.0,
    )
    path = tmp_path / "model.onnx"
    export(serving, path, {})
    onnx_file.read(path)
    operators = Counter(node.op_type for node in onnx.load(path).graph.node)
    assert operators["GRU"] + operators["LSTM"] == recurrent_layers(serving)
    assert not operators.keys() & {"Loop", "Scan", "If"}

    length = serving.input.shape[1]
    real = sampling.sample(matrix, np.arange(length - 1, len(matrix)), length, 100)
    assert parity.check(serving, path, real).windows == 100


def scaling_of(features: str, matrix: np.ndarray) -> Any:
    """None at all of the features of candles; raw levels as z-scores."""
    from atb.features.scaling import Scaling, fit

    if features == "raw40":
        return fit("standard", matrix[:, :40])
    return Scaling(np.ones(width(features), np.float32), np.zeros(width(features), np.float32))
