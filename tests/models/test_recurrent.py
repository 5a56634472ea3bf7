from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from atb.config.architectures import BiLstm, Gru, Lstm, Recurrent
from atb.config.targets import DirectionTarget

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

X = np.random.default_rng(0).normal(size=(4, 10, 3)).astype(np.float32)


def build(spec: Any, window: tuple[int, int] = (10, 3)) -> Any:
    from importlib import import_module

    return import_module(f"atb.models.{spec.architecture}").build(spec, window)


def names(network: Any) -> list[str]:
    return [layer.name for layer in network.layers]


def test_layers_stand_in_the_order_the_spec_gives_them() -> None:
    assert names(build(Gru(units=(6, 5, 4), dense=(3, 2)))) == [
        "features",
        *("gru_1", "dropout_1", "gru_2", "dropout_2", "gru_3", "dropout_3"),
        *("dense_1", "dense_relu_1", "dense_dropout_1"),
        *("dense_2", "dense_relu_2", "dense_dropout_2"),
    ]
    assert names(build(BiLstm(units=(6,)))) == ["features", "bidirectional_1", "dropout_1"]


@pytest.mark.parametrize("kind", [Gru, Lstm])
def test_every_layer_runs_both_ways_or_none(kind: type) -> None:
    both, forward = (build(kind(units=(6, 5), bidirectional=b)) for b in (True, False))
    assert [layer.output.shape for layer in both.layers[1::2]] == [(None, 10, 12), (None, 10)]
    assert [layer.output.shape for layer in forward.layers[1::2]] == [(None, 10, 6), (None, 5)]


def test_bilstm_is_a_bidirectional_lstm() -> None:
    first, second = build(BiLstm(units=(6, 5))), build(Lstm(units=(6, 5), bidirectional=True))
    assert names(first) == names(second)
    second.set_weights(first.get_weights())
    np.testing.assert_array_equal(first(X), second(X))


@pytest.mark.parametrize("units", [(), (4, 4, 4, 4)])
def test_one_to_three_layers(units: tuple[int, ...]) -> None:
    with pytest.raises(ValidationError):
        Recurrent(units=units)


@pytest.mark.parametrize("kind", [Gru, Lstm, BiLstm])
def test_recurrent_dropout_is_active_in_training_only(kind: type) -> None:
    network = build(kind(units=(8, 8), dropout=0.0, recurrent_dropout=0.5))
    plain = build(kind(units=(8, 8), dropout=0.0))
    plain.set_weights(network.get_weights())
    first, second, served = network(X, training=True), network(X, training=True), network(X)
    assert np.abs(first - second).max() > 1e-3 and np.abs(first - served).max() > 1e-3
    np.testing.assert_array_equal(network(X), served)
    np.testing.assert_allclose(served, plain(X), atol=1e-6)
    np.testing.assert_allclose(plain(X, training=True), plain(X), atol=1e-6)


def test_the_direction_network_counts_as_on_paper() -> None:
    """Four gates with kernel, recurrent kernel and bias, twice; Dense 64; Dense 1."""
    from atb.models.build import network

    spec = Lstm(units=(64, 64), dense=(64,))
    count = network(spec, DirectionTarget(), (60, 31)).count_params()
    first, second = 4 * 64 * (31 + 64 + 1), 4 * 64 * (64 + 64 + 1)
    assert (first, second) == (24_576, 33_024)
    assert count == first + second + 65 * 64 + 65 == 61_825
    # Other libraries keep a bias for the input and one for the state: four gates more of each.
    assert count + 2 * 4 * 64 == 62_337
