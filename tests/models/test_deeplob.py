"""Networks for books against their papers: shapes, weights, what feeds what; and their export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.config.architectures import Mlp
from atb.config.book_architectures import DeepLob, DeepLobSeq2Seq, LobCnn, TemporalAttention
from atb.config.targets import DirectionTarget, MidChangeTarget, MidPriceTarget
from atb.errors import ConfigError

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

BOOK = (100, 40)
ONE = MidPriceTarget(horizon=10)
FIVE = MidPriceTarget(horizon=(10, 20, 30, 50, 100))
SMALL: dict[str, Any] = {"filters": 3, "inception": 2, "units": 4}
FED_BACK = {
    "last": DeepLobSeq2Seq(context="last", **SMALL),
    "attention": DeepLobSeq2Seq(**SMALL),
    "temporal": TemporalAttention(filters=3, units=4),
}
ALL = {
    "lob_cnn": LobCnn(),
    "deeplob": DeepLob(),
    "last": DeepLobSeq2Seq(context="last"),
    "attention": DeepLobSeq2Seq(),
    "temporal": TemporalAttention(),
}
BOOKS = np.random.default_rng(3).normal(size=(6, 12, 8)).astype(np.float32)


def made(spec: Any, target: Any = FIVE, window: tuple[int, int] = BOOK) -> Any:
    import keras

    from atb.models.build import network

    keras.utils.set_random_seed(7)
    return network(spec, target, window)


def disturbed(network: Any) -> Any:
    draw = np.random.default_rng(11)
    network.set_weights([w + draw.uniform(-0.3, 0.3, w.shape) for w in network.get_weights()])
    return network


def shapes(network: Any) -> dict[str, tuple[int, ...]]:
    """Of every layer that has one output."""
    outputs = {layer.name: layer.output for layer in network.layers}
    return {name: x.shape[1:] for name, x in outputs.items() if not isinstance(x, list)}


@pytest.mark.parametrize(("filters", "inception", "weights"), [(16, 32, 60_691), (32, 64, 142_435)])
def test_deeplob_has_the_published_number_of_weights(
    filters: int, inception: int, weights: int
) -> None:
    spec = DeepLob(filters=filters, inception=inception)
    assert made(spec, ONE).count_params() == weights


def test_the_trunk_has_the_published_shapes() -> None:
    found = shapes(made(DeepLob(), ONE))
    blocks = {
        f"{name}_{number}{part}": (100, width, 16)
        for number, width in ((1, 20), (2, 10), (3, 1))
        for name, parts in (("across", ("",)), ("along", ("a", "b")))
        for part in parts
    }
    inception = dict.fromkeys(("short_in", "short", "long_in", "long", "pooled"), (100, 32))
    expected = {"book": (100, 40, 1), **blocks, "pool": (100, 16), **inception}
    expected |= {"inception": (100, 96), "lstm": (64,), "probabilities_head": (3,)}
    assert {name: found[name] for name in expected} == expected


def test_pools_follow_the_second_and_the_last_convolution() -> None:
    found = shapes(made(LobCnn(), ONE))
    expected: dict[str, tuple[int, ...]] = {
        "conv_1": (100, 16),
        "conv_2": (100, 16),
        "pool_2": (50, 16),
        "conv_3": (50, 32),
        "conv_4": (50, 32),
        "pool_4": (25, 32),
        "flatten": (25 * 32,),
    }
    assert {name: shape for name, shape in found.items() if name in expected} == expected
    assert [name for name in found if name.startswith("pool")] == ["pool_2", "pool_4"]


def test_the_trunk_reaches_as_far_as_published() -> None:
    network = made(DeepLob())
    kernels = {
        name: network.get_layer(name).kernel.shape
        for name in ("across_1", "along_1a", "across_2", "across_3", "short", "long")
    }
    assert kernels == {
        "across_1": (2, 16),
        "along_1a": (4, 1, 16, 16),
        "across_2": (2 * 16, 16),
        "across_3": (10 * 16, 16),
        "short": (3, 32, 32),
        "long": (5, 32, 32),
    }


def test_a_group_of_columns_is_read_as_by_a_convolution_over_it() -> None:
    import keras

    network = disturbed(made(DeepLob(), window=(12, 40)))
    convolution = keras.layers.Conv2D(16, (1, 2), strides=(1, 2))
    books = np.random.default_rng(3).normal(size=(6, 12, 20, 16)).astype(np.float32)
    expected = convolution(books)
    kernel, bias = convolution.get_weights()
    dense = network.get_layer("across_2")
    dense.set_weights([kernel.reshape(32, 16), bias])
    found = dense(network.get_layer("group_2")(books))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_every_activation_leaks_a_hundredth() -> None:
    from keras import layers

    network = made(DeepLob())
    leaks = [x.negative_slope for x in network.layers if isinstance(x, layers.LeakyReLU)]
    assert leaks == pytest.approx([0.01] * 14)
    kinds = (layers.Conv1D, layers.Conv2D, layers.Dense)
    before = [x.activation.__name__ for x in network.layers if isinstance(x, kinds)]
    assert before == ["linear"] * 15  # the head among them


@pytest.mark.parametrize(
    ("spec", "slope"),
    [
        (Mlp(dense=(3, 2)), 0.0),
        (Mlp(dense=(3, 2), activation="leaky_relu"), 0.01),
        (LobCnn(), 0.01),
    ],
)
def test_dense_layers_leak_where_they_are_asked_to(spec: Any, slope: float) -> None:
    relu = made(spec, window=(12, 8)).get_layer("dense_relu_1")
    np.testing.assert_allclose(relu(np.array([[-2.0, 3.0]])), [[-2.0 * slope, 3.0]])


def test_the_pool_of_the_inception_is_a_max_pool_of_three() -> None:
    import keras

    from atb.models.deeplob_trunk import _pooled

    inputs = keras.Input((9, 4))
    pool = keras.layers.MaxPooling1D(3, strides=1, padding="same")
    network = keras.Model(inputs, [_pooled(inputs), pool(inputs)])
    ours, published = network(np.random.default_rng(0).normal(size=(5, 9, 4)))
    np.testing.assert_array_equal(ours, published)


@pytest.mark.parametrize("spec", [DeepLob(), DeepLobSeq2Seq()])
def test_columns_are_those_of_whole_levels(spec: Any) -> None:
    with pytest.raises(ConfigError, match="38 are no multiple") as raised:
        made(spec, window=(100, 38))
    assert "lob40" in str(raised.value.remedy)
    assert made(spec, window=(8, 20)).output_shape == (None, 15)


def test_the_decoder_reads_an_answer_and_a_context() -> None:
    found = shapes(made(DeepLobSeq2Seq()))
    reads = [found[f"read_{step}"] for step in range(1, 6)]
    assert reads == [(67,)] * 5
    assert [found[f"known_{step}"] for step in range(1, 6)] == [(128,)] * 5
    assert found["horizons"] == (15,)


@pytest.mark.parametrize("spec", FED_BACK.values(), ids=FED_BACK)
@pytest.mark.parametrize("target", [MidChangeTarget(), DirectionTarget()])
def test_only_classes_are_fed_back(spec: Any, target: Any) -> None:
    with pytest.raises(ConfigError, match=f"'{target.kind}' has none"):
        made(spec, target, (8, 8))


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


def by_hand(network: Any, windows: np.ndarray, context: Any) -> np.ndarray:
    """The decoder in plain numpy, from what the network's encoder says."""
    import keras

    encoder = keras.Model(network.input, network.get_layer("encoder").output)
    states, state, carry = (np.asarray(part, np.float64) for part in encoder(windows))
    kernel, recurrent, bias = network.get_layer("decoder").get_weights()
    head, offset = network.get_layer("probabilities_head").get_weights()
    answer, seen, raw = np.tile([1.0, 0.0, 0.0], (len(windows), 1)), state, []
    for _ in range(5):
        gates = np.concatenate([answer, seen], -1) @ kernel + state @ recurrent + bias
        i, f, c, o = np.split(gates, 4, axis=-1)
        carry = sigmoid(f) * carry + sigmoid(i) * np.tanh(c)
        state = sigmoid(o) * np.tanh(carry)
        seen = context(network, states, state)
        raw.append(np.concatenate([seen, state], -1) @ head + offset)
        answer = softmax(raw[-1])
    return np.concatenate(raw, -1)


def last(_: Any, states: np.ndarray, __: np.ndarray) -> np.ndarray:
    return states[:, -1]


def dot(network: Any, states: np.ndarray, state: np.ndarray) -> np.ndarray:
    weights = softmax(np.einsum("btu,bu->bt", states, state))
    gain, offset, mean, variance = network.get_layer("context").get_weights()
    seen = np.einsum("bt,btu->bu", weights, states)
    return np.asarray((seen - mean) / np.sqrt(variance + 1e-3) * gain + offset)


def additive(network: Any, states: np.ndarray, state: np.ndarray) -> np.ndarray:
    (w1,), (w2,) = (network.get_layer(name).get_weights() for name in ("keys", "query"))
    (v,) = network.get_layer("attention").get_weights()
    weights = softmax(np.tanh(states @ w1 + (state @ w2)[:, None]) @ v)
    return np.asarray(np.einsum("bt,btu->bu", weights, states))


@pytest.mark.parametrize(
    ("name", "context"), [("last", last), ("attention", dot), ("temporal", additive)]
)
def test_the_decoder_is_that_of_its_formulas(name: str, context: Any) -> None:
    network = disturbed(made(FED_BACK[name], window=(12, 8)))
    if name == "attention":
        norm = network.get_layer("context")
        norm.set_weights([*norm.get_weights()[:3], np.full(4, 0.7, np.float32)])
    expected = by_hand(network, BOOKS, context)
    np.testing.assert_allclose(network(BOOKS), expected, rtol=1e-4, atol=1e-5)


def test_the_states_of_an_encoder_are_its_hidden_states() -> None:
    from atb.models import hidden_states

    network = disturbed(made(FED_BACK["last"], window=(12, 8)))
    states = hidden_states(network, BOOKS)
    read = keras_output(network, "read_1")
    assert states.shape == (6, 12, 4)
    np.testing.assert_allclose(states[:, -1], read[:, 3:], atol=1e-6)
    np.testing.assert_array_equal(read[:, :3], [[1, 0, 0]] * 6)


def keras_output(network: Any, layer: str) -> np.ndarray:
    import keras

    return np.asarray(keras.Model(network.input, network.get_layer(layer).output)(BOOKS))


@pytest.mark.parametrize("spec", FED_BACK.values(), ids=FED_BACK)
@pytest.mark.parametrize("target", [ONE, FIVE])
def test_an_untrained_decoder_gives_even_odds_and_learns(spec: Any, target: Any) -> None:
    import tensorflow as tf

    network = made(spec, target, (12, 8))
    with tf.GradientTape() as tape:
        raw = network(BOOKS, training=True)
        loss = tf.reduce_mean(tf.square(raw - tf.range(float(raw.shape[1]))))
    assert not np.any(raw)
    kernel, bias = tape.gradient(loss, network.get_layer("probabilities_head").trainable_weights)
    assert np.any(kernel) and np.any(bias)


@pytest.mark.parametrize(
    ("spec", "rows"), [*((spec, 100) for spec in ALL.values()), (DeepLob(), 10)]
)
def test_exported_it_is_fused_and_agrees_at_every_batch(
    spec: Any, rows: int, tmp_path: Path
) -> None:
    """Ten rows are as many as DeepLOB's columns are, where a wrong transposition fits as well."""
    import onnx

    from atb.config.features import lookback
    from atb.export import graph, parity
    from atb.export.onnx import export
    from atb.features.scaling import Scaling

    serving = graph.serving_model(
        disturbed(made(spec, window=(rows, 40))),
        features="raw40",
        columns=42,
        window=rows,
        scaling=Scaling(np.ones(40, np.float32), np.zeros(40, np.float32)),
        target=FIVE,
        target_scale=1.0,
        target_offset=0.0,
    )
    path = tmp_path / "model.onnx"
    export(serving, path, {})
    operators = [node.op_type for node in onnx.load(path).graph.node]
    assert operators.count("LSTM") == (0 if isinstance(spec, LobCnn) else 1)
    assert not {"Loop", "Scan", "If"} & set(operators)
    books = np.random.default_rng(5).normal(size=(300, rows + lookback("raw40"), 42))
    found = parity.check(serving, path, books.astype(np.float32))
    assert found.batches == (1, 7, 256) and found.max_difference < 1e-5
