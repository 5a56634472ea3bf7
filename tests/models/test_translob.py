from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atb.config.book_architectures import TransLob

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

X = np.random.default_rng(0).normal(size=(2, 40, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> Any:
    from atb.models.translob import build

    return build(TransLob(), (40, 3))


def up_to(network: Any, name: str, node: int = 0) -> Any:
    import keras

    return keras.Model(network.input, network.get_layer(name)._inbound_nodes[node].outputs[0])


def test_time_is_a_last_channel_from_minus_one_to_one(network: Any) -> None:
    before, placed = up_to(network, "layer_norm")(X), up_to(network, "positions")(X)
    np.testing.assert_array_equal(placed[:, :, :-1], before)
    np.testing.assert_allclose(placed[:, :, -1], [np.linspace(-1, 1, 40)] * 2, atol=1e-7)


def test_every_step_keeps_its_bits_whatever_comes_later(network: Any) -> None:
    every_step, other = up_to(network, "norm", 1), X.copy()
    other[:, 25:] = 5 - 9 * other[:, 25:]
    whole, part = np.asarray(every_step(X)), np.asarray(every_step(other))
    np.testing.assert_array_equal(part[:, :25], whole[:, :25])
    assert not np.isclose(part[:, 25:], whole[:, 25:]).all()


def test_a_convolved_step_sees_32_rows(network: Any) -> None:
    """1 + 1 + 2 + 4 + 8 + 16."""
    import tensorflow as tf

    convolved, rows = up_to(network, "conv_16"), tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(rows)
        last = tf.reduce_sum(convolved(rows)[:, -1] ** 2)
    seen = np.flatnonzero(np.any(np.asarray(tape.gradient(last, rows)), axis=(0, 2)))
    assert seen[0] >= 8 and seen[-1] == 39


def test_blocks_share_their_weights_and_the_dense_kernel_has_a_penalty(network: Any) -> None:
    from atb.models.translob import build

    assert build(TransLob(blocks=5), (40, 3)).count_params() == network.count_params()
    kernel = network.get_layer("dense").kernel.numpy()
    (penalty,) = network.losses
    np.testing.assert_allclose(penalty, 1e-4 * np.square(kernel).sum(), rtol=1e-5)
