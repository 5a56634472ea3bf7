"""What a training step needs, before it is run.

Weights and optimiser are counted; what the backward pass keeps of the forward pass is read off the
traced gradient, whatever the layers are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import keras
import tensorflow as tf

from atb.config.training import TrainingConfig
from atb.training import liveness, trial

# What allocators and the scratch space of kernels add to the tensors; see docs/guide.md.
OVERHEAD = 1.1


@dataclass(frozen=True)
class Memory:
    """Bytes of one training step on one device.

    Attributes:
        policy: Keras dtype policy of the network.
        batch: windows in a step, over all devices.
        windows: the batch itself.
        parameters: all weights, float32 in every precision.
        gradients: one for each trainable weight, twice that when they are accumulated.
        optimizer: its moments and counters.
        activations: what the forward pass leaves for the backward pass, and what that makes of it.
    """

    policy: str
    batch: int
    windows: int
    parameters: int
    gradients: int
    optimizer: int
    activations: int

    @property
    def total(self) -> int:
        """All of them."""
        kept = self.parameters + self.gradients + self.optimizer
        return kept + self.windows + self.activations

    def to_json(self) -> dict[str, Any]:
        """Every figure in bytes, the total last."""
        return {**asdict(self), "total": self.total}


def estimate(config: TrainingConfig, policy: str, batch: int) -> Memory:
    """What a step of a recipe needs on each of its devices.

    Args:
        config: the recipe; its batch is not read.
        policy: Keras dtype policy of the network.
        batch: windows in a step.
    """
    hardware = config.training.hardware
    share = max(batch // hardware.devices, 1)
    made = trial.steps(config, policy)
    at_once = max(share // made.accumulation, 1)
    trainable = _bytes(made.network.trainable_variables)
    return Memory(
        policy,
        batch,
        windows=share * 4 * config.window * trial.shape(config)[1],
        parameters=_bytes(made.network.variables),
        gradients=trainable * (2 if made.accumulation > 1 else 1),
        optimizer=_bytes(made.optimizer.variables),
        activations=activations(made.network, at_once),
    )


def activations(network: keras.Model, batch: int) -> int:
    """Bytes that a forward and backward pass over a batch hold at their peak, weights apart.

    Args:
        network: `[B, T, F]` to `[B, W]`, in the precision it was built in.
        batch: windows computed at once.
    """

    def gradients(windows: tf.Tensor) -> Any:
        variables = [variable.value for variable in network.trainable_variables]
        with tf.GradientTape() as tape:
            raw = network(windows, training=True)
            loss = tf.reduce_mean(tf.square(raw))
        return tape.gradient(loss, variables)

    given = tf.TensorSpec((batch, *network.input.shape[1:]), tf.float32)
    traced = tf.function(gradients, autograph=False).get_concrete_function(given)
    return int(OVERHEAD * liveness.peak(traced.graph))


def _bytes(variables: list[Any]) -> int:
    return sum(int(variable.value.dtype.size) * _elements(variable) for variable in variables)


def _elements(variable: Any) -> int:
    return int(variable.value.shape.num_elements())
