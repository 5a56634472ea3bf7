"""Augmentation: its size, its independence, and that seed and step alone decide it."""

from __future__ import annotations

import numpy as np
import pytest

from atb.config.optimisation import Regularisation

pytestmark = pytest.mark.usefixtures("tensorflow_ready")
BOTH = Regularisation(jitter=0.1, scaling=0.2)
PINNED = [[[1.077325, 0.642378], [1.034830, 0.726653]]]  # ones, seed 7, step 0


def augmented(windows, spec=BOTH, seed=7, step=3):
    import tensorflow as tf

    from atb.training.augment import augment

    change = augment(spec, seed)
    return change(tf.constant(step, tf.int64), tf.constant(windows, tf.float32)).numpy()


@pytest.fixture
def windows():
    return np.random.default_rng(0).normal(0, 1, (32, 20, 5)).astype(np.float32)


def test_nothing_is_on_by_default():
    from atb.training.augment import augment

    assert augment(Regularisation(), 7) is None


@pytest.mark.parametrize("spec", [BOTH, Regularisation(jitter=0.1), Regularisation(scaling=0.1)])
@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_seed_and_step_decide(windows, spec, seed):
    first = augmented(windows, spec, seed)
    assert first.shape == windows.shape
    np.testing.assert_array_equal(first, augmented(windows, spec, seed))
    assert not np.isclose(first, augmented(windows, spec, seed, step=4)).all(axis=(1, 2)).any()
    assert not np.isclose(first, augmented(windows, spec, seed ^ 1)).all(axis=(1, 2)).any()


def test_the_numbers_stay_from_version_to_version():
    """A training that is resumed with another release of TensorFlow draws the same noise."""
    seen = augmented(np.ones((1, 2, 2)), seed=7, step=0)
    np.testing.assert_allclose(seen, PINNED, rtol=2e-6)


def test_the_order_of_calls_does_not_matter(windows):
    forwards = [augmented(windows, step=step) for step in (1, 2)]
    backwards = [augmented(windows, step=step) for step in (2, 1)]
    np.testing.assert_array_equal(forwards, backwards[::-1])


def test_a_graph_draws_what_eager_code_draws(windows):
    import tensorflow as tf

    from atb.training.augment import augment

    change = augment(BOTH, 7)
    batches = tf.data.Dataset.range(4).map(lambda step: change(step, tf.constant(windows)))
    for step, batch in enumerate(batches):
        np.testing.assert_array_equal(batch.numpy(), augmented(windows, step=step))


def test_jitter_is_normal_and_independent():
    zeros = np.zeros((64, 100, 8))
    noise = augmented(zeros, Regularisation(jitter=0.3)) / 0.3
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(1, abs=0.01)
    assert (noise**4).mean() == pytest.approx(3, abs=0.1)
    for axis in range(3):
        first, second = np.delete(noise, -1, axis), np.delete(noise, 0, axis)
        assert (first * second).mean() == pytest.approx(0, abs=0.02)


def test_scaling_is_one_factor_per_feature_of_a_window():
    windows = np.random.default_rng(1).uniform(1, 2, (400, 10, 6))
    factors = augmented(windows, Regularisation(scaling=0.2)) / windows
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-5)
    factors = factors[:, 0]
    assert factors.mean() == pytest.approx(1, abs=0.02)
    assert factors.std() == pytest.approx(0.2, abs=0.02)
    correlation = np.corrcoef(factors.T) - np.eye(6)
    assert np.abs(correlation).max() < 0.2


def test_both_together_are_scaling_then_jitter(windows):
    scaled = augmented(windows, Regularisation(scaling=0.2))
    noise = augmented(np.zeros_like(windows), Regularisation(jitter=0.1))
    np.testing.assert_allclose(augmented(windows), scaled + noise, atol=1e-6)


def test_the_two_streams_differ():
    """Shared draws would make the noise of a window's first bar follow its factors."""
    factors = augmented(np.ones((64, 1, 5)), Regularisation(scaling=1.0)) - 1
    noise = augmented(np.zeros((64, 1, 5)), Regularisation(jitter=1.0))
    assert abs(np.corrcoef(factors.ravel(), noise.ravel())[0, 1]) < 0.2


def test_batches_of_any_size_keep_their_static_shape():
    import tensorflow as tf

    from atb.training.augment import augment

    change = augment(BOTH, 7)
    data = tf.data.Dataset.from_tensors(tf.zeros((3, 4, 2)))
    shape = data.map(lambda batch: change(tf.constant(0, tf.int64), batch)).element_spec.shape
    assert shape.as_list() == [3, 4, 2]
