"""Every schedule, at every step of small trainings, against its closed form."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from atb.config.optimisation import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    Optimisation,
    Plateau,
    Step,
)

pytestmark = pytest.mark.usefixtures("tensorflow_ready")
RATE = 0.02


def taken(schedule, epochs, steps):
    """The learning rate a real optimiser has at each iteration, and its weight's way down."""
    import keras

    from atb.training.schedule import build

    spec = Optimisation(learning_rate=RATE, epochs=epochs, schedule=schedule)
    optimizer = keras.optimizers.SGD(build(spec, steps))
    weight = keras.Variable(0.0)
    rates, weights = [], []
    for _ in range(epochs * steps):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply([np.float32(1.0)], [weight])
        weights.append(-float(weight))
    return np.array(rates), np.array(weights)


def cosine(epochs, steps, warmup):
    """Written out step by step, not in one formula."""
    total, rising = epochs * steps, warmup * steps
    up = [RATE * (step + 1) / rising for step in range(min(rising, total))]
    falling = total - rising
    if falling <= 0:
        return np.array(up)
    # With a warm-up its last step is the peak; without, the first step is.
    angles = np.linspace(0, math.pi, falling + 1)[1:] if rising else np.linspace(0, math.pi, total)
    return np.array(up + [RATE * (1 + math.cos(angle)) / 2 for angle in angles])


@pytest.mark.parametrize(
    ("epochs", "steps", "warmup"),
    [
        (1, 1, 0),
        (2, 1, 0),
        (1, 5, 0),
        (4, 7, 0),
        (2, 1, 1),
        (4, 7, 1),
        (10, 3, 5),
        (3, 4, 3),
        (1, 6, 5),
        (1, 1, 1),
    ],
)
def test_cosine_with_warmup(epochs, steps, warmup):
    rates, _ = taken(Cosine(warmup=warmup), epochs, steps)
    np.testing.assert_allclose(rates, cosine(epochs, steps, warmup), rtol=2e-6, atol=2e-9)


def test_cosine_by_hand():
    rates, _ = taken(Cosine(warmup=1), epochs=3, steps=2)
    middle = (1 + math.sqrt(0.5)) / 2  # a quarter of the way down
    expected = np.array([0.5, 1, middle, 0.5, 1 - middle, 0]) * RATE
    np.testing.assert_allclose(rates, expected, atol=2e-9)


def test_cosine_falls_to_nothing_and_stays_there():
    from atb.training.schedule import build

    rate = build(Optimisation(epochs=3, schedule=Cosine(warmup=1)), 4)
    assert [float(rate(step)) for step in (11, 12, 100)] == pytest.approx([0, 0, 0], abs=1e-10)


@pytest.mark.parametrize(("size", "gamma"), [(1, 0.5), (2, 0.1), (3, 0.7), (50, 0.5)])
def test_step(size, gamma):
    rates, _ = taken(Step(size=size, gamma=gamma), epochs=7, steps=3)
    expected = [RATE * gamma ** (epoch // size) for epoch in range(7) for _ in range(3)]
    np.testing.assert_allclose(rates, expected, rtol=2e-6)


@pytest.mark.parametrize(("gamma", "steps"), [(0.95, 4), (0.5, 1), (0.9, 3)])
def test_exponential(gamma, steps):
    rates, _ = taken(Exponential(gamma=gamma), epochs=6, steps=steps)
    expected = [RATE * gamma**epoch for epoch in range(6) for _ in range(steps)]
    np.testing.assert_allclose(rates, expected, rtol=2e-6)


@pytest.mark.parametrize("schedule", [Constant(), Plateau()])
def test_a_constant_rate_can_be_set(schedule):
    import keras

    from atb.training.schedule import build

    rates, _ = taken(schedule, epochs=2, steps=3)
    assert rates.tolist() == [np.float32(RATE)] * 6
    optimizer = keras.optimizers.Adam(build(Optimisation(schedule=schedule), 3))
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25


def test_weights_move_by_the_rate_of_their_own_step():
    rates, weights = taken(Cosine(warmup=1), epochs=3, steps=4)
    np.testing.assert_allclose(weights, np.cumsum(rates), rtol=1e-6)


@pytest.mark.parametrize("step", [0, 1000, 2**24 - 1])
def test_epochs_are_counted_exactly_far_into_a_training(step):
    from atb.training.schedule import build

    rate = build(Optimisation(epochs=1000, schedule=Step(size=1, gamma=0.999)), 4099)
    assert float(rate(step)) == pytest.approx(1e-3 * 0.999 ** (step // 4099), rel=2e-4)


@pytest.mark.parametrize("schedule", [Cosine(warmup=2), Step(size=2), Exponential()])
def test_schedules_survive_a_round_trip_through_json(schedule):
    import keras

    from atb.training.schedule import build

    rate = build(Optimisation(epochs=5, schedule=schedule), 4)
    text = json.dumps(keras.optimizers.schedules.serialize(rate))
    again = keras.optimizers.schedules.deserialize(json.loads(text))
    assert [float(again(step)) for step in range(20)] == [float(rate(step)) for step in range(20)]


def test_every_schedule_has_a_builder():
    from atb.training.schedule import BUILDERS

    assert BUILDERS.keys() == SCHEDULES.keys()


def plateau(**changes):
    from atb.training.schedule import PlateauState

    return PlateauState(**{"rate": 1.0, "factor": 0.5, "patience": 2, "min_delta": 0.0} | changes)


def test_plateau_starts_from_the_spec():
    from atb.training.schedule import PlateauState

    training = Optimisation(learning_rate=0.3, min_delta=0.01)
    state = PlateauState.of(Plateau(patience=4, factor=0.2), training)
    assert asdict(state) == {
        "rate": 0.3,
        "factor": 0.2,
        "patience": 4,
        "min_delta": 0.01,
        "best": math.inf,
        "wait": 0,
    }


def test_plateau_waits_patience_epochs_after_the_best_and_after_each_fall():
    state = plateau()
    losses = [5, 4, 4, 4, 4, 4, 3, 3, 2, 2, 2]
    expected = [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.125]
    assert [state.update(loss) for loss in losses] == expected


def test_an_improvement_below_min_delta_is_none():
    state = plateau(patience=1, min_delta=0.1)
    assert [state.update(loss) for loss in (1.0, 0.95, 0.9, 0.85)] == [1, 0.5, 0.25, 0.25]


def test_plateau_goes_on_from_its_own_json():
    losses = np.random.default_rng(3).normal(1, 0.1, 40)
    whole, state = plateau(), plateau()
    expected = [whole.update(loss) for loss in losses]
    seen = []
    for loss in losses:
        state = type(state)(**json.loads(json.dumps(asdict(state))))
        seen.append(state.update(loss))
    assert seen == expected
    assert expected[-1] < 0.01


@pytest.mark.parametrize(("patience", "min_delta"), [(1, 0.0), (3, 0.0), (2, 0.02), (5, 0.1)])
def test_plateau_agrees_with_keras(patience, min_delta):
    import keras

    losses = np.random.default_rng(patience).normal(1, 0.1, 60).cumsum() / np.arange(1, 61)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(1.0))
    callback = keras.callbacks.ReduceLROnPlateau(
        factor=0.5, patience=patience, min_delta=min_delta, min_lr=0.0
    )
    callback.set_model(model)
    callback.on_train_begin()
    state = plateau(patience=patience, min_delta=min_delta)
    for epoch, loss in enumerate(losses):
        callback.on_epoch_end(epoch, {"val_loss": loss})
        assert state.update(loss) == pytest.approx(float(model.optimizer.learning_rate))
