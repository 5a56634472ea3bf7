"""Fit a network to a dataset: put together what the recipe asks for, then let the loop train it.

Deterministic on a CPU for a given seed: initial weights, dropout, augmentation and the order of
windows come from it alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from atb.config.architectures import Architecture
from atb.config.optimisation import Optimisation
from atb.config.targets import Target
from atb.dataset.build import Dataset
from atb.dataset.learner import Fitted
from atb.errors import ResourceError
from atb.events import Listener, Noted, Warned, silent
from atb.models import build
from atb.training import augment, devices, loss, optimizer, precision
from atb.training.checkpoint import Checkpoints
from atb.training.loop import Loop
from atb.training.steps import Steps

HALVINGS = 3

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class NetworkLearner:
    """Learns with a Keras network; see `atb.dataset.learner.Learner`.

    Attributes:
        architecture: the network without its head.
        target: its head.
        optimisation: how it is fitted.
        checkpoints: folder of the training's checkpoints; what lies there is taken up.
        initial: sets the weights a training begins with, None for random ones.
        listen: told of each epoch.
    """

    architecture: Architecture
    target: Target
    optimisation: Optimisation
    checkpoints: Path
    initial: Callable[[keras.Model], None] | None = None
    listen: Listener = silent

    def fit(self, dataset: Dataset) -> Fitted:
        """Fit on train windows, stop and choose on validation windows.

        When memory runs out, each batch is computed in twice as many parts, up to eight times as
        many, from the last checkpoint on.

        Raises:
            DivergedError: when a loss is no longer a finite number.
            StoppedError: when a signal asked for it.
            ResourceError: when memory does not suffice even then, or devices are missing.
        """
        spec = _fitting(self.optimisation, len(dataset.split.train))
        for _ in range(HALVINGS):
            try:
                return self._fit(dataset, spec)
            except tf.errors.ResourceExhaustedError as error:
                _LOG.info("out of memory: %s", error.message)
            spec = _halved(spec)
            self.listen(Warned(_accumulating(spec)))
            keras.backend.clear_session()
        try:
            return self._fit(dataset, spec)
        except tf.errors.ResourceExhaustedError as error:
            raise _out_of_memory(spec) from error

    def _fit(self, dataset: Dataset, spec: Optimisation) -> Fitted:
        keras.utils.set_random_seed(spec.seed)
        hardware = spec.hardware
        chosen = precision.choose(hardware.precision, precision.gpus()[: hardware.devices])
        self.listen(Noted(f"precision: {chosen.policy}, {chosen.reason}"))
        strategy = devices.strategy(hardware.devices)
        with strategy.scope(), precision.policy(chosen.policy):
            steps = self._steps(dataset, spec, chosen.policy, strategy)
        loop = Loop(spec, dataset, steps, Checkpoints(self.checkpoints), self.listen)
        loop.take_up()
        reason = loop.train()
        state = loop.state
        if state.best is None:
            raise AssertionError("a training that is done has a best epoch")
        means = {
            "precision": chosen.policy,
            "precision_reason": chosen.reason,
            "devices": hardware.devices,
            "batch": spec.batch,
            "accumulation": hardware.accumulation,
        }
        network = steps.network
        parameters = int(network.count_params())
        history, best = tuple(state.history), state.best.epoch
        return Fitted(network, loop.predict, history, best, reason, parameters, means)

    def _steps(self, dataset: Dataset, spec: Optimisation, policy: str, strategy: Any) -> Steps:
        split = dataset.split
        shape = (dataset.window, dataset.matrix.shape[1])
        network = build.network(self.architecture, self.target, shape)
        if self.initial is not None:
            self.initial(network)
        descent = optimizer.build(spec, len(split.train) // spec.batch, policy)
        descent.build(network.trainable_variables)
        train = dataset.labels.value[split.train]
        return Steps(
            network,
            descent,
            loss.build(self.target.classes, spec.regularisation, train),
            augment.augment(spec.regularisation, spec.seed),
            spec.hardware.accumulation,
            strategy,
        )


def _fitting(spec: Optimisation, windows: int) -> Optimisation:
    """The recipe with a batch that so many windows fill and that can be cut into its parts."""
    parts = spec.hardware.accumulation * spec.hardware.devices
    batch = min(spec.batch, windows)
    if batch < parts:
        raise ResourceError(
            f"a batch of {batch} windows cannot be cut into {parts} parts",
            where="training.hardware",
            remedy="ask for fewer devices, less accumulation or a larger batch",
        )
    return spec.model_copy(update={"batch": batch - batch % parts})


def _halved(spec: Optimisation) -> Optimisation:
    """The same batch in twice as many parts."""
    hardware = spec.hardware
    if spec.batch % (2 * hardware.accumulation * hardware.devices):
        raise _out_of_memory(spec)
    more = hardware.model_copy(update={"accumulation": 2 * hardware.accumulation})
    return spec.model_copy(update={"hardware": more})


def _accumulating(spec: Optimisation) -> str:
    parts = spec.hardware.accumulation
    return (
        f"out of memory: each batch of {spec.batch} windows is now computed in {parts} parts "
        f"of {spec.batch // parts}"
    )


def _out_of_memory(spec: Optimisation) -> ResourceError:
    parts = spec.hardware.accumulation
    return ResourceError(
        f"memory does not suffice for {spec.batch // parts} windows at a time",
        remedy="give a smaller --batch-size or --sequence-length, or a smaller network; "
        "see: atb train estimate",
    )
