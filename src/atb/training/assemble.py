"""What a step of a training is made of, put together from its recipe.

Knows which part each setting decides; it takes no step.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from atb.config.architectures import Architecture
from atb.config.optimisation import Optimisation
from atb.config.targets import Target
from atb.models import build
from atb.training import augment, loss, optimizer, precision
from atb.training.steps import Steps

Float64 = npt.NDArray[np.float64]


def steps(
    architecture: Architecture,
    target: Target,
    spec: Optimisation,
    *,
    shape: tuple[int, int],
    train: Float64,
    count: int,
    policy: str,
    strategy: Any = None,
) -> Steps:
    """A network with random weights, and the optimiser, loss and noise that go with it.

    Args:
        architecture: the network without its head.
        target: its head and loss.
        spec: optimiser, schedule, regularisation and parts of a batch.
        shape: bars and features of a window.
        train: `[T, K]` labels of train rows, for class weights.
        count: of steps in an epoch, for the schedule.
        policy: Keras dtype policy of the network.
        strategy: the devices that share each batch; call this in its scope.
    """
    with precision.policy(policy):
        network = build.network(architecture, target, shape)
        descent = optimizer.build(spec, count, policy)
        descent.build(network.trainable_variables)
    return Steps(
        network,
        descent,
        loss.build(target.classes, spec.regularisation, train),
        augment.augment(spec.regularisation, spec.seed),
        spec.hardware.accumulation,
        spec.hardware.jit_compile,
        strategy,
    )
