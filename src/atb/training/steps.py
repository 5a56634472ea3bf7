"""Steps of gradient descent, several in a row inside TensorFlow.

Knows batches, a loss and an optimiser; it knows no epochs, no validation and no files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from atb.errors import ConfigError
from atb.training.augment import Augment
from atb.training.loss import Loss


@dataclass(frozen=True)
class Steps:
    """What a step is made of.

    Attributes:
        network: `[B, T, F]` to raw outputs `[B, W]`.
        optimizer: built for the network's trainable variables.
        loss: targets `[B, K]` and raw outputs to losses `[B]`.
        augment: a number that no other step or device has, and windows, to windows; or None.
            On one device it is the number of the step.
        accumulation: parts of a batch computed one after the other; it divides the batch.
        jit_compile: whether XLA compiles a step of one device.
        strategy: the devices that share each batch.
    """

    network: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: Loss
    augment: Augment | None = None
    accumulation: int = 1
    jit_compile: bool = False
    strategy: Any = None

    def distributed(self, batches: tf.data.Dataset) -> Any:
        """The batches, each cut into a share for every device."""
        return self._strategy.experimental_distribute_dataset(batches)

    @property
    def _strategy(self) -> tf.distribute.Strategy:
        return self.strategy or tf.distribute.get_strategy()

    def runner(self) -> Callable[[Iterator[Any], Any, Any, Any], tuple[Any, Any]]:
        """A function `(batches, first, count, total) -> (total, done)`.

        It takes `count` int64 batches, numbers their steps from `first` int64 on, adds each mean
        loss to `total` float64 in order, and leaves off after a loss that is not finite. Where a
        run is cut into calls changes no bit of the result. It raises a ConfigError where XLA is
        asked to compile what it cannot.
        """
        strategy = self._strategy
        shares = strategy.num_replicas_in_sync

        def step(number: Any, windows: Any, targets: Any) -> Any:
            return self._step(number, windows, targets, shares)

        if self.jit_compile:  # the loop around it has an iterator, which XLA does not know
            step = tf.function(step, jit_compile=True)

        @tf.function  # type: ignore[untyped-decorator]
        def run(batches: Any, first: Any, count: Any, total: Any) -> tuple[Any, Any]:
            done = tf.zeros((), tf.int64)
            while done < count and tf.math.is_finite(total):
                windows, targets = next(batches)
                losses = strategy.run(step, args=(first + done, windows, targets))
                mean = strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
                total += tf.cast(mean, tf.float64)
                done += 1
            return total, done

        runner: Callable[[Iterator[Any], Any, Any, Any], tuple[Any, Any]] = run
        return _explained(runner) if self.jit_compile else runner

    def _step(self, number: Any, windows: Any, targets: Any, shares: int) -> Any:
        """One update of the weights; returns this device's part of the mean loss."""
        if self.augment is not None:
            device = tf.distribute.get_replica_context().replica_id_in_sync_group
            windows = self.augment(number * shares + tf.cast(device, tf.int64), windows)
        if self.accumulation > 1:
            loss, gradients = self._accumulated(windows, targets, shares)
        else:
            loss, gradients = self._gradients(windows, targets, shares)
        if shares > 1:  # Keras adds up what each device clipped, so each gets its part of the whole
            context = tf.distribute.get_replica_context()
            gradients = context.all_reduce(tf.distribute.ReduceOp.MEAN, gradients)
        self.optimizer.apply(gradients, self.network.trainable_variables)
        return loss

    def _gradients(self, windows: Any, targets: Any, shares: int) -> tuple[Any, list[Any]]:
        variables = [variable.value for variable in self.network.trainable_variables]
        with tf.GradientTape() as tape:
            raw = self.network(windows, training=True)
            loss = tf.reduce_mean(self.loss(targets, raw)) / shares
            penalty = sum(self.network.losses) / shares  # on the size of weights: never reported
            scaled = self.optimizer.scale_loss(loss + penalty)
        gradients = tape.gradient(scaled, variables)
        return loss, [tf.convert_to_tensor(gradient) for gradient in gradients]

    def _accumulated(self, windows: Any, targets: Any, shares: int) -> tuple[Any, list[Any]]:
        """The same of the whole batch, with the activations of one part in memory at a time."""
        parts = self.accumulation
        windows = tf.reshape(windows, [parts, -1, *windows.shape[1:]])
        targets = tf.reshape(targets, [parts, -1, *targets.shape[1:]])

        def add(part: Any, total: Any, sums: list[Any]) -> tuple[Any, Any, list[Any]]:
            loss, gradients = self._gradients(windows[part], targets[part], shares)
            return part + 1, total + loss, [s + g for s, g in zip(sums, gradients, strict=True)]

        zeros = [tf.zeros(variable.shape) for variable in self.network.trainable_variables]
        _, total, sums = tf.while_loop(
            lambda part, *_: part < parts, add, (0, 0.0, zeros), parallel_iterations=1
        )
        return total / parts, [gradient / parts for gradient in sums]


def _explained(run: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
    """The same, where XLA's refusal is an error of the recipe."""

    def explained(*arguments: Any) -> tuple[Any, Any]:
        try:
            return run(*arguments)
        except tf.errors.UnimplementedError as error:
            said = next((line for line in error.message.splitlines() if " not " in line), "")
            raise ConfigError(
                f"XLA cannot compile a step of this network: {said}",
                where="training.hardware.jit_compile",
                remedy="set it to false",
            ) from error

    return explained
