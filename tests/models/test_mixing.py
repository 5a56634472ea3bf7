from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from atb.config.book_architectures import MlpLob, Tlob

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def test_gelu_is_x_times_the_normal_distribution() -> None:
    from atb.models.mixing import gelu

    x = np.linspace(-6, 6, 25).astype(np.float32)
    expected = [v * (1 + math.erf(v / math.sqrt(2))) / 2 for v in x]
    np.testing.assert_allclose(gelu(x), expected, atol=1e-6)


def test_pairs_work_on_features_then_on_time_and_end_with_a_quarter_of_both() -> None:
    import keras

    from atb.models.mixing import in_turn

    seen = []

    def part(x: keras.KerasTensor, width: int, name: str) -> keras.KerasTensor:
        seen.append((name, tuple(x.shape[1:]), width))
        return keras.layers.Dense(width)(x)

    output = in_turn(keras.Input((12, 8)), 2, part)
    assert output.shape == (None, 3, 2)
    assert seen == [
        ("1a", (12, 8), 8),
        ("1b", (8, 12), 12),
        ("2a", (12, 8), 2),
        ("2b", (2, 12), 3),
    ]


@pytest.mark.parametrize(("width", "after"), [(128, 128), (129, 32), (960, 60), (4, 4)])
def test_the_end_is_128_wide_or_less(width: int, after: int) -> None:
    import keras

    from atb.models.mixing import narrowed

    assert narrowed(keras.Input((1, width))).shape == (None, after)


@pytest.mark.parametrize("architecture", ["tlob", "mlplob"])
def test_every_cell_of_the_window_reaches_the_end(architecture: str) -> None:
    from importlib import import_module

    import tensorflow as tf

    spec = {"tlob": Tlob(width=8, layers=2), "mlplob": MlpLob(width=8, layers=2)}[architecture]
    network = import_module(f"atb.models.{architecture}").build(spec, (12, 5))
    window = tf.constant(np.random.default_rng(0).normal(size=(1, 12, 5)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(window)
        total = tf.reduce_sum(network(window) ** 2)
    assert np.all(tape.gradient(total, window) != 0)


def test_the_order_of_rows_matters_to_attention() -> None:
    """Without positions it would see a set, and only the last pair would know which is which."""
    from atb.models.tlob import build

    network = build(Tlob(width=8, layers=2), (12, 5))
    embedded = network.get_layer("positions")
    row = np.zeros((1, 12, 8), np.float32)
    assert len(np.unique(np.asarray(embedded(row))[0], axis=0)) == 12


def gelu(x: Any) -> Any:
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


def normed(x: Any, epsilon: float) -> Any:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + epsilon)


def test_a_block_of_attention_by_its_formula() -> None:
    """Of five rows and four columns, with one head and as wide as it was."""
    import keras

    from atb.models.tlob import _block

    inputs = keras.Input((5, 4))
    network = keras.Model(inputs, _block(inputs, 4, Tlob(width=4, heads=1), "x"))
    x = np.random.default_rng(1).normal(size=(2, 5, 4)).astype(np.float32)

    attention = network.get_layer("attention_x").get_weights()
    query, key, value = (x @ weight[:, 0] for weight in attention[:3])
    scores = np.exp(query @ key.swapaxes(1, 2) / math.sqrt(4))
    read = scores / scores.sum(-1, keepdims=True) @ value @ attention[3][0]
    read = normed(x + read, network.get_layer("read_norm_x").epsilon)
    (wide, _), (narrow, _) = (network.get_layer(f"{n}_x").get_weights() for n in ("wide", "narrow"))
    mixed = gelu(read @ wide) @ narrow  # biases begin at 0
    mixed = gelu(normed(read + mixed, network.get_layer("layer_norm_x").epsilon))
    np.testing.assert_allclose(network(x), x + mixed, atol=1e-5)
