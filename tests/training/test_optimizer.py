"""Each optimiser's steps by hand; what decays and what does not; clipping; loss scaling."""

from __future__ import annotations

import numpy as np
import pytest

from atb.config.optimisation import (
    OPTIMIZERS,
    Adam,
    AdamW,
    Cosine,
    Optimisation,
    Plateau,
    RmsProp,
    Sgd,
)

pytestmark = pytest.mark.usefixtures("tensorflow_ready")
RATE, DECAY = 0.1, 0.2
START = np.array([1.0, -2.0, 0.5])
GRADIENTS = [np.array([0.3, -0.4, 1.2]), np.array([-0.1, 0.8, 0.6]), np.array([0.0, -2.0, 0.1])]


def built(optimizer, *, policy="float32", **changes):
    from atb.training.optimizer import build

    changes = {"learning_rate": RATE} | changes
    return build(Optimisation(optimizer=optimizer, **changes), 10, policy)


def stepped(optimizer, gradients=GRADIENTS, start=START, name="kernel"):
    """A variable after each of these gradients."""
    import keras

    variable = keras.Variable(start, dtype="float32", name=name)
    seen = []
    for gradient in gradients:
        optimizer.apply([np.float32(gradient)], [variable])
        seen.append(np.array(variable))
    return np.array(seen)


def adam(decay=0.0):
    """Kingma and Ba 2015, with epsilon as before their section 2.1; decay before the update."""
    w, m, v, seen = START.copy(), 0.0, 0.0, []
    for t, g in enumerate(GRADIENTS, 1):
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = w - RATE * decay * w
        w = w - RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
        seen.append(w)
    return np.array(seen)


def sgd(momentum, decay=0.0):
    w, velocity, seen = START.copy(), 0.0, []
    for g in GRADIENTS:
        velocity = momentum * velocity - RATE * g
        w = w - RATE * decay * w + velocity
        seen.append(w)
    return np.array(seen)


def rmsprop(momentum, decay=0.0):
    w, square, moved, seen = START.copy(), 0.0, 0.0, []
    for g in GRADIENTS:
        square = 0.9 * square + 0.1 * g**2
        moved = momentum * moved + RATE * g / np.sqrt(square + 1e-7)
        w = w - RATE * decay * w - moved
        seen.append(w)
    return np.array(seen)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (Adam(), adam()),
        (AdamW(weight_decay=DECAY), adam(DECAY)),
        (AdamW(weight_decay=0.0), adam()),
        (Sgd(momentum=0.0), sgd(0.0)),
        (Sgd(momentum=0.9), sgd(0.9)),
        (Sgd(momentum=0.9, weight_decay=DECAY), sgd(0.9, DECAY)),
        (RmsProp(), rmsprop(0.0)),
        (RmsProp(momentum=0.5, weight_decay=DECAY), rmsprop(0.5, DECAY)),
    ],
)
def test_steps_follow_the_formula(spec, expected):
    np.testing.assert_allclose(stepped(built(spec)), expected, rtol=1e-5)


def test_the_first_step_of_adam_is_the_rate_against_the_gradient_s_sign():
    (first,) = stepped(built(Adam()), GRADIENTS[:1])
    np.testing.assert_allclose(first, START - RATE * np.sign(GRADIENTS[0]), rtol=1e-4)


def test_decay_of_adamw_is_decoupled_from_the_gradient():
    """As an L2 penalty it would vanish in Adam's normalisation: the same step for any weight."""
    plain, decayed = (stepped(built(spec)) for spec in (Adam(), AdamW(weight_decay=DECAY)))
    np.testing.assert_allclose(decayed[0] - plain[0], -RATE * DECAY * START, rtol=1e-4)


def test_every_optimizer_has_a_builder():
    from atb.training.optimizer import BUILDERS

    assert BUILDERS.keys() == OPTIMIZERS.keys()


def network():
    """One of each layer our networks are made of, some named to mislead."""
    import keras
    from keras import layers

    class Positions(layers.Layer):
        def build(self, shape):
            self.positions = self.add_weight(shape=shape[1:], name="positions")

        def call(self, x):
            return x + self.positions

    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(5, 4)(inputs)
    x = Positions()(x)
    x = layers.Conv1D(4, 3, padding="same", name="bias_conv")(x)
    x = layers.BatchNormalization(name="kernel")(x)
    x = layers.Bidirectional(layers.GRU(3, return_sequences=True))(x)
    x = layers.LSTM(4, return_sequences=True, name="beta_lstm")(x)
    x = layers.LayerNormalization()(x)
    x = layers.MultiHeadAttention(2, 2, name="gamma")(x, x)
    return keras.Model(inputs, layers.Dense(2, name="bias")(layers.Flatten()(x)))


DECAYING = {"kernel", "recurrent_kernel", "embeddings", "positions"}
EXEMPT = {"bias", "gamma", "beta"}


@pytest.mark.parametrize(
    "spec",
    [
        AdamW(weight_decay=DECAY),
        AdamW(weight_decay=DECAY, clip_norm=1.0),
        Sgd(weight_decay=DECAY),
        RmsProp(weight_decay=DECAY),
    ],
)
@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_zero_gradients_show_what_decays(spec, policy):
    optimizer, model = built(spec, policy=policy), network()
    weights = model.trainable_variables
    for weight in weights:
        weight.assign(np.ones(weight.shape))  # also biases, which start at zero
    optimizer.build(weights)
    optimizer.apply([np.zeros(weight.shape, np.float32) for weight in weights])
    assert {weight.name for weight in weights} == DECAYING | EXEMPT
    for weight in weights:
        left = 1.0 - RATE * DECAY * (weight.name in DECAYING)
        np.testing.assert_allclose(np.array(weight), left, rtol=1e-6, err_msg=weight.path)


def test_decay_follows_the_schedule():
    spec = AdamW(weight_decay=DECAY)
    optimizer = built(spec, epochs=1, schedule=Cosine())
    seen = stepped(optimizer, [np.zeros(3)] * 10)
    rates = RATE * (1 + np.cos(np.pi * np.arange(10) / 9)) / 2
    expected = START * np.cumprod(1 - DECAY * rates)[:, None]
    np.testing.assert_allclose(seen, expected, rtol=1e-5)


@pytest.mark.parametrize(("limit", "factor"), [(6.5, 0.5), (13.0, 1.0), (50.0, 1.0), (1.3, 0.1)])
def test_clipping_is_by_the_norm_of_all_gradients_together(limit, factor):
    import keras

    optimizer = built(Sgd(momentum=0.0, clip_norm=limit))
    one, two = keras.Variable([0.0, 0.0]), keras.Variable([0.0])
    optimizer.apply([np.float32([3, 4]), np.float32([12])], [one, two])  # norm 13
    moved = np.array([*np.array(one), *np.array(two)])
    np.testing.assert_allclose(moved, -RATE * factor * np.array([3, 4, 12]), rtol=1e-6)


def test_zero_gradients_are_clipped_to_zero():
    assert stepped(built(Sgd(clip_norm=1.0)), [np.zeros(3)]).tolist() == [START.tolist()]


@pytest.mark.parametrize(
    "spec", [Adam(clip_norm=0.5), AdamW(clip_norm=0.5), RmsProp(clip_norm=0.5)]
)
def test_every_optimizer_clips(spec):
    assert built(spec).global_clipnorm == 0.5


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_only_float16_scales_the_loss(policy):
    import keras

    assert isinstance(built(Adam(), policy=policy), keras.optimizers.Adam)
    scaled = built(Adam(), policy="mixed_float16")
    assert isinstance(scaled, keras.optimizers.LossScaleOptimizer)
    assert isinstance(scaled.inner_optimizer, keras.optimizers.Adam)


def test_a_scaled_loss_takes_the_same_steps():
    optimizer = built(AdamW(clip_norm=0.7), policy="mixed_float16")
    plain = stepped(built(AdamW(clip_norm=0.7)))
    scaled = stepped(optimizer, [gradient * 2.0**15 for gradient in GRADIENTS])
    np.testing.assert_allclose(scaled, plain, rtol=1e-6)
    assert float(optimizer.scale_loss(1.0)) == 2.0**15


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("spec", [Adam(), AdamW(weight_decay=DECAY, clip_norm=1.0), Sgd()])
def test_an_overflow_skips_the_step_and_halves_the_scale(spec, broken):
    import keras

    optimizer = built(spec, policy="mixed_float16", epochs=1, schedule=Cosine())
    kernel = keras.Variable(START, dtype="float32", name="kernel")
    optimizer.apply([np.float32(GRADIENTS[0])], [kernel])
    before = [np.array(variable) for variable in (kernel, *optimizer.inner_optimizer.variables)]
    optimizer.apply([np.float32([1.0, broken, 1.0])], [kernel])
    after = [np.array(variable) for variable in (kernel, *optimizer.inner_optimizer.variables)]
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left, right)
    assert int(optimizer.iterations) == 1
    assert float(optimizer.dynamic_scale) == 2.0**14


def test_plateau_can_lower_the_rate_under_a_scaled_loss():
    optimizer = built(Sgd(momentum=0.0), policy="mixed_float16", schedule=Plateau())
    optimizer.learning_rate = 0.5
    (moved,) = stepped(optimizer, [np.full(3, 2.0**15)])
    np.testing.assert_allclose(moved, START - 0.5)


def test_saved_variables_carry_on_in_a_new_optimizer():
    """Resume: the moments and the iteration come from the variables, the rest from the spec."""
    import keras

    spec = AdamW(weight_decay=DECAY)
    whole = stepped(built(spec))
    first = built(spec)
    kernel = keras.Variable(START, dtype="float32", name="kernel")
    first.apply([np.float32(GRADIENTS[0])], [kernel])
    second = built(spec)
    second.build([kernel])
    for new, old in zip(second.variables, first.variables, strict=True):
        new.assign(old)
    for gradient in GRADIENTS[1:]:
        second.apply([np.float32(gradient)], [kernel])
    np.testing.assert_array_equal(np.array(kernel), whole[-1])
