"""Noise on train windows, drawn from the seed and the step alone, so that a resumed run repeats it.

Knows windows of scaled features; which windows are train windows, the training loop knows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

from atb.config.optimisation import Regularisation

Tensor: TypeAlias = tf.Tensor
Augment = Callable[[Tensor, Tensor], Tensor]

# Numbers that part the two streams of one step from each other and from the order of windows,
# which is drawn from a seed of the same two numbers.
JITTER, SCALING = 1, 2


def augment(spec: Regularisation, seed: int) -> Augment | None:
    """Scaling and jitter as a function of step and windows; None when both are off.

    Scaling multiplies each feature of a window, at all its bars, by one draw of N(1, scaling^2);
    jitter then adds a draw of N(0, jitter^2) to each number (Um et al. 2017, "Data Augmentation of
    Wearable Sensor Data", section 3).

    Args:
        spec: standard deviations of both.
        seed: of the training.

    Returns:
        From step (int64 scalar, counted from the start of training) and windows `[B, T, F]` float32
        to such windows: the same for the same seed, step and windows.
    """
    if spec.scaling == spec.jitter == 0:
        return None

    def augmented(step: Tensor, windows: Tensor) -> Tensor:
        shape = tf.shape(windows)
        key = tf.stack([tf.constant(seed, tf.int64), tf.cast(step, tf.int64)])
        if spec.scaling > 0:
            factors = _normal([shape[0], 1, shape[2]], key, SCALING)
            windows *= 1.0 + spec.scaling * factors
        if spec.jitter > 0:
            windows += spec.jitter * _normal(shape, key, JITTER)
        return windows

    return augmented


def _normal(shape: Tensor, key: Tensor, stream: int) -> Tensor:
    """Standard normal float32 numbers of one stream of a step."""
    return tf.random.stateless_normal(shape, tf.random.experimental.stateless_fold_in(key, stream))
