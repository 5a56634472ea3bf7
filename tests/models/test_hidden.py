from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from atb.config.architectures import AnyArchitecture, BiLstm, ConvRecurrent, Gru, Lstm, Mlp, Tcn
from atb.config.targets import ReturnTarget
from atb.errors import UsageError

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

BARS, FEATURES = 12, 3
WINDOWS = np.random.default_rng(0).normal(size=(5, BARS, FEATURES)).astype(np.float32)
# spec, time, units, directions
CASES: list[tuple[AnyArchitecture, int, int, int]] = [
    (Gru(units=(6, 4)), BARS, 4, 1),
    (Gru(units=(4,), bidirectional=True), BARS, 4, 2),
    (Lstm(units=(6, 5, 4), recurrent_dropout=0.3, dense=(7,)), BARS, 4, 1),
    (BiLstm(units=(6, 4)), BARS, 4, 2),
    (ConvRecurrent(filters=(4,), pool=(2,), units=(6, 4)), 6, 4, 1),
    (ConvRecurrent(filters=(4,), pool=(1,), cell="lstm", units=(4,), bidirectional=1), BARS, 4, 2),
]
every_case = pytest.mark.parametrize(("spec", "time", "units", "directions"), CASES)


def network_of(spec: AnyArchitecture) -> Any:
    from atb.models.build import network

    return network(spec, ReturnTarget(), (BARS, FEATURES))


def final_state(network: Any) -> np.ndarray:
    """What the last recurrent layer hands on: the output of the dropout behind it."""
    import keras

    after = [layer for layer in network.layers if layer.name.startswith("dropout_")][-1]
    return np.asarray(keras.Model(network.input, after.output)(WINDOWS, training=False))


@every_case
def test_the_network_goes_on_with_the_states_at_the_ends(
    spec: AnyArchitecture, time: int, units: int, directions: int
) -> None:
    from atb.models import hidden_states

    network = network_of(spec)
    states = hidden_states(network, WINDOWS)
    assert states.shape == (5, time, units * directions) and states.dtype == np.float32
    ends = [states[:, -1, :units], states[:, 0, units:]]
    np.testing.assert_allclose(np.concatenate(ends, axis=1), final_state(network), atol=1e-6)


@pytest.mark.parametrize("spec", [Gru(units=(6, 4)), Lstm(units=(6, 4))])
def test_a_state_depends_on_no_later_bar(spec: AnyArchitecture) -> None:
    from atb.models import hidden_states

    network, dark = network_of(spec), WINDOWS.copy()
    dark[:, 7:] = np.nan
    whole, part = hidden_states(network, WINDOWS), hidden_states(network, dark)
    np.testing.assert_array_equal(part[:, :7], whole[:, :7])
    assert np.isnan(part[:, 7:]).all()


def test_states_of_a_network_in_half_precision_are_float32() -> None:
    import keras

    from atb.models import hidden_states

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = network_of(Lstm(units=(4,)))
    finally:
        keras.config.set_dtype_policy(policy)
    states = hidden_states(network, WINDOWS)
    assert states.dtype == np.float32 and np.ptp(states) > 0


@pytest.mark.parametrize("spec", [Mlp(), Tcn(filters=(4,))])
def test_a_network_without_recurrence_is_refused(spec: AnyArchitecture) -> None:
    from atb.models import hidden_states

    with pytest.raises(UsageError, match=f"'{spec.architecture}' has no recurrent layer"):
        hidden_states(network_of(spec), WINDOWS)


def test_windows_of_another_width_are_refused_naming_both() -> None:
    from atb.models import hidden_states

    with pytest.raises(UsageError, match=r"expects windows of \(12, 3\).*these have \(12, 2\)"):
        hidden_states(network_of(Gru(units=(4,))), WINDOWS[..., :2])


def test_the_door_is_light_and_names_nothing_else() -> None:
    import atb.models

    with pytest.raises(AttributeError, match="no attribute 'hidden_state'"):
        atb.models.hidden_state  # noqa: B018
    code = "import sys, atb.models; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_serving_model_shows_the_states_of_its_own_candles() -> None:
    """As read from a registered model: candles in, features and scaling inside."""
    from atb.config.features import SETS, lookback
    from atb.export.graph import serving_model
    from atb.features.layer import FeatureSet
    from atb.features.scaling import Scaling
    from atb.models import hidden_states
    from atb.models.build import network

    width = len(SETS["price"])
    inner = network(Gru(units=(6, 4)), ReturnTarget(), (BARS, width))
    scaling = Scaling(np.full(width, 2.0, np.float32), np.full(width, 0.5, np.float32))
    serving = serving_model(
        inner,
        features="price",
        columns=5,
        window=BARS,
        scaling=scaling,
        target=ReturnTarget(),
        target_scale=1.0,
        target_offset=0.0,
    )
    draw = np.random.default_rng(1)
    price = 100 + draw.normal(size=(5, BARS + lookback("price"), 1)).cumsum(axis=1)
    candles = np.repeat(price, 5, axis=2).astype(np.float32)
    features = np.asarray(FeatureSet("price")(candles)) * 2.0 + 0.5
    states = hidden_states(serving, candles)
    assert states.shape == (5, BARS, 4)
    np.testing.assert_allclose(states, hidden_states(inner, features), atol=1e-5)
