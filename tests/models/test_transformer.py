from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from atb.config.architectures import Transformer

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

BARS = 12
X = np.random.default_rng(0).normal(size=(4, BARS, 3)).astype(np.float32)


def build(**fields: Any) -> Any:
    from atb.models.transformer import build

    return build(Transformer(width=8, heads=2, feed_forward=16, **fields), (BARS, 3))


def every_step(network: Any) -> Any:
    """The network up to where the newest step is taken: `[B, T, 3]` to `[B, T, width]`."""
    import keras

    return keras.Model(network.input, network.get_layer("newest").input)


@pytest.mark.parametrize("cut", [1, 5, 11])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_a_causal_step_keeps_its_bits_whatever_comes_later(cut: int, positions: str) -> None:
    """NaN would not do: a masked weight is an exact zero, and zero times NaN is NaN."""
    network, other = every_step(build(causal=True, positions=positions)), X.copy()
    other[:, cut:] = -9 * other[:, cut:] + 5
    whole, part = np.asarray(network(X)), np.asarray(network(other))
    np.testing.assert_array_equal(part[:, :cut], whole[:, :cut])
    assert not np.isclose(part[:, cut:], whole[:, cut:]).all()


def test_without_causal_every_step_sees_every_other() -> None:
    network, other = every_step(build()), X.copy()
    other[:, -1] += 1
    changed = np.asarray(network(other)) != np.asarray(network(X))
    assert changed.any(axis=-1).all()


@pytest.mark.parametrize("causal", [True, False])
def test_the_newest_step_sees_the_oldest(causal: bool) -> None:
    network, other = build(causal=causal), X.copy()
    other[:, 0] += 1
    assert (np.asarray(network(other)) != np.asarray(network(X))).any(axis=-1).all()


@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_the_order_of_earlier_bars_matters(positions: str) -> None:
    network, swapped = build(positions=positions), X.copy()
    for weight in network.weights:
        weight.assign(weight + np.random.default_rng(1).normal(0, 0.1, weight.shape))
    swapped[:, [2, 7]] = swapped[:, [7, 2]]
    assert np.abs(network(swapped) - network(X)).max() > 1e-4


def test_sinusoids_by_hand() -> None:
    from atb.models.transformer import sinusoids

    table = sinusoids(3, 4)
    angles = np.array([0, 1, 2])
    expected = [np.sin(angles), np.cos(angles), np.sin(angles / 100), np.cos(angles / 100)]
    assert table.dtype == np.float32
    np.testing.assert_allclose(table, np.transpose(expected), atol=1e-7)


def test_learned_positions_are_one_row_for_each_step() -> None:
    learned, fixed = build(positions="learned"), build(positions="sinusoidal")
    assert learned.get_layer("embedding").bias.shape == (BARS, 8)
    assert learned.count_params() - fixed.count_params() == (BARS - 1) * 8


def test_heads_share_the_width() -> None:
    with pytest.raises(ValidationError, match="width 10 is no multiple of heads 4"):
        Transformer(width=10, heads=4)
