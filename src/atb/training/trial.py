"""Steps of a training on random windows: what one takes, before there is any data.

Knows how a step is put together and run; it knows no candles, no labels and no epochs.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from atb.config.features import width
from atb.config.training import TrainingConfig
from atb.training import assemble
from atb.training.steps import Steps

SECONDS = 2.0  # how long steps are timed for
MOST_STEPS = 50


def shape(config: TrainingConfig) -> tuple[int, int]:
    """Rows and features of a window."""
    return config.window, width(config.features)


def steps(config: TrainingConfig, policy: str) -> Steps:
    """What a step of this training is made of, for one device, with untrained weights.

    Args:
        config: the recipe.
        policy: Keras dtype policy of the network.
    """
    target = config.target
    # As many of each class: class weights want to have seen all.
    labels = np.arange(6.0)[:, None].repeat(len(target.horizons), axis=1) % target.classes
    return assemble.steps(
        config.model,
        target,
        config.training,
        shape=shape(config),
        train=labels,
        count=1,
        policy=policy,
    )


def runner(config: TrainingConfig, policy: str, batch: int) -> Callable[[int], float]:
    """A function that takes so many steps on one random batch and returns the seconds it took.

    Args:
        config: the recipe; its devices share a batch, and one share is computed here.
        policy: Keras dtype policy of the network.
        batch: windows in a step of the whole training.
    """
    made = steps(config, policy)
    parts = made.accumulation
    share = max(parts, batch // config.training.hardware.devices // parts * parts)
    windows = tf.random.stateless_normal((share, *shape(config)), seed=(0, 0))
    targets = tf.zeros((share, len(config.target.horizons)))
    batches = iter(tf.data.Dataset.from_tensors((windows, targets)).repeat())
    run = made.runner()
    zero = tf.zeros((), tf.int64)

    def take(count: int) -> float:
        begin = time.perf_counter()
        total, _ = run(batches, zero, tf.constant(count, tf.int64), tf.zeros((), tf.float64))
        total.numpy()  # waits until a GPU is done
        return time.perf_counter() - begin

    return take


def seconds_per_step(config: TrainingConfig, policy: str, batch: int) -> float:
    """Seconds a step takes here, over as many as fit into two seconds, after two to warm up."""
    take = runner(config, policy, batch)
    take(1)  # traces
    once = take(1)
    count = int(min(max(SECONDS / once, 1), MOST_STEPS))
    return take(count) / count


def seconds_per_epoch(seconds: float, windows: int, batch: int) -> float:
    """Seconds of the train steps of an epoch, each window once, without validation.

    >>> seconds_per_epoch(0.5, windows=1050, batch=100)
    5.0
    """
    return seconds * max(windows // batch, 1)
