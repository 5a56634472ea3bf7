from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atb import presets
from atb.config.architectures import Tcn

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

BARS = 40
SPEC = Tcn(filters=(6, 6, 8), kernel=3)
X = np.random.default_rng(0).normal(size=(4, BARS, 3)).astype(np.float32)


def every_step(spec: Tcn) -> Any:
    """The network up to where the newest step is taken: `[B, T, 3]` to `[B, T, filters[-1]]`."""
    import keras

    from atb.models.tcn import build

    network = build(spec, (BARS, 3))
    return keras.Model(network.input, network.get_layer("newest").input)


@pytest.mark.parametrize("cut", [1, 9, 20, 39])
def test_no_bit_of_a_step_changes_when_the_future_is_lost(cut: int) -> None:
    network, dark = every_step(SPEC), X.copy()
    dark[:, cut:] = np.nan
    whole, part = np.asarray(network(X)), np.asarray(network(dark))
    np.testing.assert_array_equal(part[:, :cut], whole[:, :cut])
    assert np.isnan(part[:, cut]).any()


def test_the_last_step_sees_its_receptive_field_and_no_more() -> None:
    assert SPEC.receptive_field == 1 + 2 * 2 * (1 + 2 + 4) == 29
    network = every_step(SPEC)
    oldest, older = X.copy(), X.copy()
    oldest[:, BARS - 29] += 1
    older[:, : BARS - 29] += 1
    last = np.asarray(network(X))[:, -1]
    assert not np.array_equal(np.asarray(network(oldest))[:, -1], last)
    np.testing.assert_array_equal(np.asarray(network(older))[:, -1], last)


def test_the_preset_sees_its_whole_window() -> None:
    config = presets.create_config_from_preset("tcn", "BTCUSDT")
    assert isinstance(config.model, Tcn)
    assert config.model.receptive_field >= config.window


def test_a_way_around_is_projected_only_where_the_width_changes() -> None:
    from atb.models.tcn import build

    names = [layer.name for layer in build(SPEC, (BARS, 3)).layers if "around" in layer.name]
    assert names == ["around_1", "around_3"]


def test_what_leaves_is_the_newest_step() -> None:
    from atb.models.tcn import build

    network, steps = build(SPEC, (BARS, 3)), every_step(SPEC)
    steps.set_weights(network.get_weights())
    np.testing.assert_array_equal(network(X), np.asarray(steps(X))[:, -1])
