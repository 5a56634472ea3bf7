from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from atb.config.targets import TARGETS, ReturnTarget, TripleBarrierTarget

pytestmark = pytest.mark.usefixtures("tensorflow_ready")


def backbone() -> Any:
    import keras

    inputs = keras.Input((4, 3))
    return keras.Model(inputs, keras.layers.Flatten()(inputs), name="backbone")


CASES = [
    (kind, horizons)
    for kind in TARGETS.values()
    for horizons in (1, 3)
    if (kind, horizons) != (TripleBarrierTarget, 3)  # its time barrier is one horizon
]


@pytest.mark.parametrize(("kind", "horizons"), CASES)
def test_every_target_has_a_head_that_starts_at_zero(kind: Any, horizons: int) -> None:
    from atb.models.heads import attach

    target = kind(horizon=(1, 5, 20) if horizons > 1 else 5)
    network = attach(backbone(), target)
    output = np.asarray(network(np.ones((5, 4, 3), np.float32)))
    assert output.shape == (5, horizons * (3 if target.classes == 3 else 1))
    assert output.dtype == np.float32
    assert not output.any()
    assert network.layers[-1].name == f"{target.output}_head"


def test_the_backbone_learns_from_the_second_step_on() -> None:
    import keras

    from atb.models.heads import attach

    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, name="hidden")(inputs)
    network = attach(keras.Model(inputs, hidden), ReturnTarget())
    network.compile("sgd", "mse")
    x, y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)
    before = network.get_layer("hidden").get_weights()[0]
    network.train_on_batch(x, y)
    np.testing.assert_array_equal(network.get_layer("hidden").get_weights()[0], before)
    network.train_on_batch(x, y)
    assert not np.array_equal(network.get_layer("hidden").get_weights()[0], before)
