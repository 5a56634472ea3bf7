"""Losses against hand-computed values, scikit-learn and Keras."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.config.optimisation import AdamW, Optimisation, Regularisation
from atb.errors import DataError

pytestmark = pytest.mark.usefixtures("tensorflow_ready")
PLAIN = Regularisation()
BALANCED = Regularisation(class_weights="balanced")
LABELS = {
    1: np.zeros((4, 2)),
    2: np.array([[0, 1], [1, 0], [1, 0], [1, 0]], float),
    3: np.array([[0, 2], [1, 0], [2, 1], [1, 1]], float),
}


def losses(classes, targets, raw, spec=PLAIN, train=None):
    from atb.training.loss import build

    train = LABELS[classes] if train is None else np.asarray(train, float)
    return np.asarray(build(classes, spec, train)(np.float32(targets), np.float32(raw)))


def softmax(logits):
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def test_squared_error_is_the_mean_over_horizons():
    seen = losses(1, [[1.0, 2.0], [0.0, -1.0]], [[1.5, 0.0], [0.0, -1.0]])
    np.testing.assert_allclose(seen, [(0.25 + 4.0) / 2, 0.0])


def test_two_classes_by_hand():
    """A logit of ln 3 is a probability of 3/4."""
    seen = losses(2, [[1, 0], [0, 1]], [[math.log(3), math.log(3)], [0.0, 0.0]])
    expected = [(-math.log(0.75) - math.log(0.25)) / 2, math.log(2)]
    np.testing.assert_allclose(seen, expected, rtol=1e-6)


def test_three_classes_by_hand():
    """Logits are horizon by horizon: ln 1, ln 2, ln 5 are probabilities of 1/8, 2/8, 5/8."""
    first, second = np.log([1, 2, 5]), np.log([7, 2, 1])
    seen = losses(3, [[2, 0], [0, 1]], [[*first, *second], [*first, *second]])
    expected = [-(math.log(5 / 8) + math.log(0.7)) / 2, -(math.log(1 / 8) + math.log(0.2)) / 2]
    np.testing.assert_allclose(seen, expected, rtol=1e-6)


def test_smoothing_spreads_its_share_over_all_classes():
    spec = Regularisation(label_smoothing=0.3)
    logits = np.log([[1, 2, 5]])
    expected = -(0.8 * math.log(5 / 8) + 0.1 * math.log(2 / 8) + 0.1 * math.log(1 / 8))
    seen = losses(3, [[2]], logits, spec, [[0], [1], [2]])
    np.testing.assert_allclose(seen, [expected], rtol=1e-6)
    binary = losses(2, [[1]], [[math.log(3)]], spec, [[0], [1]])
    np.testing.assert_allclose(
        binary, [-(0.85 * math.log(0.75) + 0.15 * math.log(0.25))], rtol=1e-6
    )


def test_balanced_weights_by_hand():
    """n / (classes * count): column by column, over the whole train set."""
    from atb.training.loss import balanced_weights

    np.testing.assert_allclose(balanced_weights(LABELS[2], 2), [[2, 2 / 3], [2 / 3, 2]])
    np.testing.assert_allclose(
        balanced_weights(LABELS[3], 3), [[4 / 3, 2 / 3, 4 / 3], [4 / 3, 2 / 3, 4 / 3]]
    )


def test_a_window_weighs_as_its_class_does_in_that_column():
    seen = losses(2, [[0, 0], [1, 0], [1, 1]], np.zeros((3, 2)), BALANCED)
    expected = np.array([(2 + 2 / 3) / 2, 2 / 3, (2 / 3 + 2) / 2]) * math.log(2)
    np.testing.assert_allclose(seen, expected, rtol=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("spec", [PLAIN, BALANCED])
def test_scikit_learn_agrees(classes, spec):
    from sklearn.metrics import log_loss
    from sklearn.utils.class_weight import compute_class_weight

    rng = np.random.default_rng(classes)
    known = np.arange(classes)
    train = rng.choice(
        known, (500, 1), p=[0.6, 0.3, 0.1][:classes] / np.sum([0.6, 0.3, 0.1][:classes])
    )
    targets = rng.integers(0, classes, (60, 1))
    raw = rng.normal(0, 2, (60, 3 if classes == 3 else 1))
    full = raw if classes == 3 else np.hstack([np.zeros_like(raw), raw])
    weights = np.ones(classes)
    if spec is BALANCED:
        weights = compute_class_weight("balanced", classes=known, y=train[:, 0])
    expected = log_loss(
        targets[:, 0],
        softmax(full),
        labels=known,
        sample_weight=weights[targets[:, 0]],
        normalize=False,
    )
    assert losses(classes, targets, raw, spec, train).sum() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_keras_agrees(smoothing):
    import keras

    rng = np.random.default_rng(5)
    spec = Regularisation(label_smoothing=smoothing)
    targets, raw = rng.integers(0, 2, (40, 1)), rng.normal(0, 3, (40, 1))
    own = keras.losses.binary_crossentropy(
        np.float32(targets), np.float32(raw), from_logits=True, label_smoothing=smoothing
    )
    np.testing.assert_allclose(losses(2, targets, raw, spec, [[0], [1]]), own, rtol=1e-5, atol=1e-7)
    targets, raw = rng.integers(0, 3, 40), rng.normal(0, 3, (40, 3))
    own = keras.losses.categorical_crossentropy(
        np.eye(3, dtype=np.float32)[targets],
        np.float32(raw),
        from_logits=True,
        label_smoothing=smoothing,
    )
    np.testing.assert_allclose(
        losses(3, targets[:, None], raw, spec, [[0], [1], [2]]), own, rtol=1e-5, atol=1e-7
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 3), st.integers(1, 4))
def test_balanced_classes_weigh_the_same_in_all(seed, classes, horizons):
    """Whatever their frequencies, each class has 1 / classes of the whole weight."""
    from atb.training.loss import balanced_weights

    rng = np.random.default_rng(seed)
    train = np.vstack(
        [
            np.repeat(np.arange(classes)[:, None], horizons, 1),
            rng.integers(0, classes, (50, horizons)),
        ]
    )
    weights = balanced_weights(train.astype(float), classes)
    for column in range(horizons):
        of_each = weights[column][train[:, column]]
        assert of_each.mean() == pytest.approx(1)
        for label in range(classes):
            share = of_each[train[:, column] == label].sum() / of_each.sum()
            assert share == pytest.approx(1 / classes)


@pytest.mark.parametrize("classes", [2, 3])
def test_large_logits_stay_finite(classes):
    import keras
    import tensorflow as tf

    from atb.training.loss import build

    train = np.arange(classes, dtype=float)[:, None]
    loss = build(classes, Regularisation(label_smoothing=0.1), train)
    width = 3 if classes == 3 else 1
    raw = keras.Variable(np.full((1, width), 1e4) * ([1, -1, 0] if width == 3 else 1))
    with tf.GradientTape() as tape:
        value = loss(np.zeros((1, 1)), raw)
    assert np.isfinite(np.asarray(value)).all()
    assert np.isfinite(np.asarray(tape.gradient(value, raw.value))).all()


@pytest.mark.parametrize("classes", [1, 2, 3])
def test_half_precision_outputs_are_judged_in_float32(classes):
    import tensorflow as tf

    from atb.training.loss import build

    loss = build(classes, BALANCED, LABELS[classes])
    width = 6 if classes == 3 else 2
    raw = tf.constant(np.random.default_rng(1).normal(0, 1, (4, width)), tf.float16)
    value = loss(tf.constant(LABELS[classes], tf.float64), raw)
    assert value.dtype == tf.float32
    assert value.shape == (4,)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("classes", [1, 2, 3])
def test_a_network_can_be_fitted_on_it(classes, dtype):
    """Labels that follow from the input are learned at several horizons, in every precision."""
    import keras

    from atb.training import optimizer
    from atb.training.loss import build
    from atb.training.precision import policy

    keras.utils.set_random_seed(1)
    inputs = np.random.default_rng(2).normal(0, 1, (512, 2)).astype(np.float32)
    targets = inputs if classes == 1 else np.floor(classes / (1 + np.exp(-inputs))).astype(float)
    with policy(dtype):
        model = keras.Sequential(
            [
                keras.Input((2,)),
                keras.layers.Dense(16, activation="relu"),
                keras.layers.Dense(6 if classes == 3 else 2, dtype="float32"),
            ]
        )
    spec = Optimisation(learning_rate=0.03, epochs=15, optimizer=AdamW(clip_norm=1.0))
    model.compile(optimizer.build(spec, 8, dtype), build(classes, BALANCED, targets))
    history = model.fit(inputs, targets, epochs=15, batch_size=64, verbose=0).history["loss"]
    assert history[-1] < history[0] / 2


@pytest.mark.parametrize(
    ("classes", "train", "what", "where"),
    [
        (2, [[1], [1]], "class 0 is absent from all 2 train labels", "horizon 1 of 1"),
        (
            3,
            [[0, 0], [1, 1], [2, 0]],
            "class 2 is absent from all 3 train labels",
            "horizon 2 of 2",
        ),
    ],
)
def test_a_class_nobody_saw_cannot_be_weighed(classes, train, what, where):
    with pytest.raises(DataError, match=what) as caught:
        losses(classes, train, None, BALANCED, train)
    assert where in caught.value.where
    assert "class_weights" in caught.value.remedy


def test_an_absent_class_does_no_harm_without_weights():
    np.testing.assert_allclose(losses(2, [[1]], [[0.0]], PLAIN, [[1], [1]]), [math.log(2)])
