from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atb.config.architectures import ConvRecurrent

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def build(window: tuple[int, int] = (90, 15), **fields: Any) -> Any:
    from atb.models.conv_recurrent import build

    return build(ConvRecurrent(**fields), window)


def test_layers_stand_in_the_order_the_spec_gives_them() -> None:
    network = build(layer_norm=True)
    assert [layer.name for layer in network.layers] == [
        "features",
        *("conv_1", "batch_norm_1", "relu_1", "pool_1"),
        *("conv_2", "batch_norm_2", "relu_2", "pool_2"),
        *("gru_1", "layer_norm_1", "dropout_1"),
        *("gru_2", "dropout_2"),
        *("dense_1", "dense_relu_1"),
    ]


def test_only_the_first_recurrent_layers_run_both_ways() -> None:
    network = build(cell="lstm", units=(12, 6), bidirectional=1)
    both, forward = network.get_layer("bidirectional_1"), network.get_layer("lstm_2")
    assert both.output.shape == (None, 23, 24)
    assert forward.output.shape == (None, 6)


def test_a_convolution_has_a_bias_only_where_no_batch_norm_follows() -> None:
    assert not build(batch_norm=True).get_layer("conv_1").use_bias
    assert build(batch_norm=False).get_layer("conv_1").use_bias


def test_pooling_by_one_is_no_layer() -> None:
    network = build(filters=(4, 4), pool=(2, 1))
    assert [layer.name for layer in network.layers if "pool" in layer.name] == ["pool_1"]


@pytest.mark.parametrize("bars", [2, 3, 7, 45, 90])
def test_the_newest_bar_reaches_the_output_at_every_length(bars: int) -> None:
    network = build((bars, 3), batch_norm=False, units=(5,))
    window = np.random.default_rng(0).normal(size=(1, bars, 3)).astype(np.float32)
    changed = window.copy()
    changed[0, -1] += 1
    assert not np.array_equal(network(window), network(changed))


def test_the_oldest_bar_reaches_the_output() -> None:
    network = build((12, 3), batch_norm=False, units=(5,))
    window = np.random.default_rng(0).normal(size=(1, 12, 3)).astype(np.float32)
    changed = window.copy()
    changed[0, 0] += 1
    assert not np.array_equal(network(window), network(changed))


def test_a_spec_without_convolutions_and_dense_layers_is_a_recurrent_network() -> None:
    network = build((10, 3), filters=(), pool=(), units=(4,), dense=())
    assert [layer.name for layer in network.layers] == ["features", "gru_1", "dropout_1"]
    assert network.output.shape == (None, 4)
