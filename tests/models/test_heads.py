from __future__ import annotations

import math
from typing import Any, get_args

import numpy as np
import pytest

from atb.config.targets import DirectionTarget, ReturnTarget, Target

pytestmark = pytest.mark.usefixtures("tensorflow_ready")

KINDS = list(get_args(get_args(Target)[0]))


def backbone() -> Any:
    import keras

    inputs = keras.Input((4, 3))
    return keras.Model(inputs, keras.layers.Flatten()(inputs), name="backbone")


@pytest.mark.parametrize("kind", KINDS)
def test_every_target_has_a_head_of_one_unit_that_starts_at_zero(kind: type) -> None:
    from atb.models.heads import attach

    network = attach(backbone(), kind())
    output = np.asarray(network(np.ones((5, 4, 3), np.float32)))
    assert output.shape == (5, 1) and output.dtype == np.float32
    assert not output.any()
    assert network.layers[-1].name == f"{kind.output}_head"


def test_the_regression_loss_is_the_mean_squared_error() -> None:
    from atb.models.heads import loss

    value = loss(ReturnTarget())(np.float32([[1], [0]]), np.float32([[3], [0]]))
    assert float(value) == pytest.approx((4 + 0) / 2)


def test_the_binary_loss_is_the_cross_entropy_of_a_logit() -> None:
    from atb.models.heads import loss

    even = loss(DirectionTarget())(np.float32([[1], [0]]), np.float32([[0], [0]]))
    sure = loss(DirectionTarget())(np.float32([[1]]), np.float32([[2]]))
    assert float(even) == pytest.approx(math.log(2), rel=1e-6)
    assert float(sure) == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-6)


def test_the_backbone_learns_from_the_second_step_on() -> None:
    import keras

    from atb.models.heads import attach, loss

    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4, name="hidden")(inputs)
    network = attach(keras.Model(inputs, hidden), ReturnTarget())
    network.compile("sgd", loss(ReturnTarget()))
    x, y = np.ones((8, 3), np.float32), np.ones((8, 1), np.float32)
    before = network.get_layer("hidden").get_weights()[0]
    network.train_on_batch(x, y)
    np.testing.assert_array_equal(network.get_layer("hidden").get_weights()[0], before)
    network.train_on_batch(x, y)
    assert not np.array_equal(network.get_layer("hidden").get_weights()[0], before)
