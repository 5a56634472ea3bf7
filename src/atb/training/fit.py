"""Fit a network to a dataset: put together what the recipe asks for, then let the loop train it.

Deterministic on a CPU for a given seed: initial weights, dropout, augmentation and the order of
windows come from it alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from atb.config.architectures import Architecture
from atb.config.optimisation import Hardware, Optimisation
from atb.config.targets import Target
from atb.dataset.build import Dataset
from atb.dataset.learner import Fitted
from atb.errors import ResourceError
from atb.events import Listener, Noted, Warned, silent
from atb.training import assemble, devices, precision
from atb.training.checkpoint import Checkpoint, Checkpoints
from atb.training.loop import Loop
from atb.training.precision import Precision
from atb.training.state import State

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

HALVINGS = 3
# Windows predicted at a time, where memory allows: fewer waste time, more gain none.
SMALLEST_EVALUATION, LARGEST_EVALUATION = 256, 1024

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

        When memory runs out, each batch is computed in twice as many parts (or the next number
        that divides it), three times at most, from the last checkpoint on.

        Raises:
            DivergedError: when a loss is no longer a finite number.
            StoppedError: when a signal asked for it.
            ResourceError: when memory does not suffice even then, or devices are missing.
        """
        spec = _fitting(self.optimisation, len(dataset.split.train))
        if spec.batch != self.optimisation.batch:
            self.listen(Noted(f"batch: {spec.batch}, as many as there are and the parts allow"))
        at_once = min(LARGEST_EVALUATION, max(SMALLEST_EVALUATION, _at_once(spec)))
        for _ in range(HALVINGS):
            try:
                return self._fit(dataset, spec, at_once)
            except tf.errors.ResourceExhaustedError as error:
                _LOG.info("out of memory: %s", error.message)
            spec = _halved(spec)
            at_once = _at_once(spec)
            self.listen(Warned(_accumulating(spec)))
            keras.backend.clear_session()
        try:
            return self._fit(dataset, spec, at_once)
        except tf.errors.ResourceExhaustedError as error:
            raise _out_of_memory(at_once) from error

    def _fit(self, dataset: Dataset, spec: Optimisation, at_once: int) -> Fitted:
        checkpoints = Checkpoints(self.checkpoints)
        found = checkpoints.newest()
        hardware = spec.hardware
        if found is not None:  # it goes on with what it began with, whatever was free this time
            parts = max(hardware.accumulation, found.state.accumulation)
            hardware = hardware.model_copy(update={"accumulation": parts})
            spec = spec.model_copy(update={"hardware": hardware})
        chosen = _precision(hardware, found)
        self.listen(Noted(f"precision: {chosen.policy}, {chosen.reason}"))
        keras.utils.set_random_seed(spec.seed)
        strategy = devices.strategy(hardware.devices)
        split = dataset.split
        with strategy.scope():
            steps = assemble.steps(
                self.architecture,
                self.target,
                spec,
                shape=(dataset.window, dataset.matrix.shape[1]),
                train=dataset.labels.value[split.train],
                count=spec.steps(len(split.train)),
                policy=chosen.policy,
                strategy=strategy,
            )
        if self.initial is not None and found is None:
            self.initial(steps.network)
        state = State(spec.seed, policy=chosen.policy, accumulation=hardware.accumulation)
        loop = Loop(spec, dataset, steps, checkpoints, state, at_once, self.listen)
        loop.take_up(found)
        reason = loop.train()
        return _fitted(loop, chosen, reason)


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


def _precision(hardware: Hardware, found: Checkpoint | None) -> Precision:
    """What the GPUs are good at, or what the training began with."""
    if found is not None:
        return Precision(found.state.policy, "as the training began")
    return precision.choose(hardware.precision, precision.gpus()[: hardware.devices])


def _fitted(loop: Loop, chosen: Precision, reason: str) -> Fitted:
    network, state, spec = loop.steps.network, loop.state, loop.spec
    if state.best is None:
        raise AssertionError("a training that is done has a best epoch")

    def predict(ends: Int64) -> Float64:
        try:
            return loop.predict(ends)
        except tf.errors.ResourceExhaustedError as error:
            raise _out_of_memory(loop.evaluation_batch) from error

    means = {
        "precision": chosen.policy,
        "precision_reason": chosen.reason,
        "devices": spec.hardware.devices,
        "batch": spec.batch,
        "accumulation": spec.hardware.accumulation,
    }
    parameters = int(network.count_params())
    history, best = tuple(state.history), state.best.epoch
    return Fitted(network, predict, history, best, reason, parameters, means)


def _at_once(spec: Optimisation) -> int:
    """Windows a device computes at a time."""
    return spec.batch // (spec.hardware.accumulation * spec.hardware.devices)


def _halved(spec: Optimisation) -> Optimisation:
    """The same batch in at least twice as many equal parts."""
    share = spec.batch // spec.hardware.devices
    least = 2 * spec.hardware.accumulation
    if least > share:
        raise _out_of_memory(_at_once(spec))
    parts = next(count for count in range(least, share + 1) if share % count == 0)
    more = spec.hardware.model_copy(update={"accumulation": parts})
    return spec.model_copy(update={"hardware": more})


def _accumulating(spec: Optimisation) -> str:
    parts = spec.hardware.accumulation
    return (
        f"out of memory: each batch of {spec.batch} windows is now computed in {parts} parts "
        f"of {_at_once(spec)}"
    )


def _out_of_memory(at_once: int) -> ResourceError:
    return ResourceError(
        f"memory does not suffice for {at_once} windows at a time",
        remedy="give a smaller --batch-size or --sequence-length, or a smaller network; "
        "see: atb train estimate",
    )
