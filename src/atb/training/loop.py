"""Epochs until training is done, kept so that it can be taken up again at any step.

Knows when to validate, to save and to stop; what a step is and what a network looks like it does
not know.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from atb.config.optimisation import Optimisation, Plateau
from atb.dataset.build import Dataset
from atb.dataset.learner import Epoch
from atb.dataset.windows import Windows
from atb.errors import DivergedError, IntegrityError, StoppedError
from atb.evaluation.classification import likeliest, macro_f1
from atb.events import EpochEnded, Listener, Progress
from atb.interrupt import Interruption
from atb.training import schedule
from atb.training.checkpoint import Arrays, Checkpoint, Checkpoints
from atb.training.schedule import PlateauState
from atb.training.state import State
from atb.training.steps import Steps

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Steps between two returns to Python, at most: more give little further gain.
STEPS_TOGETHER = 8
CHECKPOINT_SECONDS = 60.0  # beyond those at the end of each epoch
SLOW_STEP_SECONDS = 0.2  # from here on each step returns, so that a signal is heard at once
PROGRESS_SECONDS = 5.0
REMEDY = "lower --learning-rate, or look at the data with: atb data check"


@dataclass
class Loop:
    """One training.

    Attributes:
        spec: epochs, batch, patience and schedule.
        dataset: windows and their parts.
        steps: the network, its optimiser and what a step does.
        checkpoints: where the training is kept.
        state: where it stands.
        evaluation_batch: windows predicted at a time.
        listen: told of each epoch.
    """

    spec: Optimisation
    dataset: Dataset
    steps: Steps
    checkpoints: Checkpoints
    state: State
    evaluation_batch: int
    listen: Listener

    def __post_init__(self) -> None:
        data, network = self.dataset, self.steps.network
        self._best: Arrays = ()
        self._windows = Windows(data.matrix, data.target, data.window)
        self._batches = self.spec.steps(len(data.split.train))
        self._rate = schedule.build(self.spec, self._batches)
        self._plateau = _plateau(self.spec)
        self._run = self.steps.runner()
        self._forward = tf.function(
            lambda windows: network(windows, training=False),
            input_signature=[tf.TensorSpec([None, *network.input.shape[1:]], tf.float32)],
        )

    def take_up(self, found: Checkpoint | None) -> None:
        """Stand where a checkpoint stands; without one, make the first.

        Raises:
            IntegrityError: when it was made by another recipe.
        """
        if found is None:
            self._save()
            return
        _assign(self.steps.network.variables, found.network, "network")
        _assign(self.steps.optimizer.variables, found.optimizer, "optimizer")
        if found.state.seed != self.spec.seed:
            raise _foreign(f"it has seed {found.state.seed}, the recipe {self.spec.seed}")
        self.state, self._best = found.state, found.best
        self.state.accumulation = self.steps.accumulation
        if self._plateau is not None:
            for record in found.state.history:
                self._plateau.update(record.validation_loss)

    def train(self) -> str:
        """Train until there is nothing more to gain; returns why it ended, for people.

        The network holds the weights of the best epoch then.

        Raises:
            DivergedError: when a loss is no longer a finite number; the checkpoints stay.
            StoppedError: when a signal asked for it; everything so far is saved.
        """
        with Interruption() as stop:
            while (reason := self._reason()) is None:
                self._epoch(stop)
        _assign(self.steps.network.variables, self._best, "network")
        return reason

    def predict(self, ends: Int64) -> Float64:
        """Raw outputs `[M, K * L]` float64 of the windows with these ends."""
        return np.concatenate(list(self._predicted(ends)))

    def _predicted(self, ends: Int64) -> Iterator[Float64]:
        for windows, _ in self._windows.in_order(ends, self.evaluation_batch):
            yield self._forward(windows).numpy().astype(np.float64)

    def _reason(self) -> str | None:
        if self.state.waited >= self.spec.patience:
            return f"no better validation loss for {self.spec.patience} epochs"
        if self.state.epoch >= self.spec.epochs:
            return f"all {self.spec.epochs} epochs done"
        return None

    def _epoch(self, stop: Interruption) -> None:
        """The rest of one epoch, its validation and its checkpoint."""
        state, train = self.state, self.dataset.split.train
        order = self._windows.epoch(
            train, self.spec.batch, seed=state.seed, number=state.epoch, start=state.step
        )
        batches = iter(self.steps.distributed(order))
        saved = time.perf_counter()
        while state.step < self._batches:
            self._advance(batches)
            if stop.requested:
                raise self._stopped()
            if time.perf_counter() - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = time.perf_counter()
        record = self._validated(stop)
        state.close_epoch(record)
        if record.best:
            self._best = _values(self.steps.network.variables)
        self._save()
        self.listen(_event(record, self.spec.epochs))
        if stop.requested:
            raise self._stopped()

    def _advance(self, batches: Any) -> None:
        """A few steps."""
        state, start = self.state, time.perf_counter()
        first = state.epoch * self._batches + state.step
        slow = state.seconds >= SLOW_STEP_SECONDS * state.step
        count = 1 if slow else min(STEPS_TOGETHER, self._batches - state.step)
        begin, number = tf.constant(first, tf.int64), tf.constant(count, tf.int64)
        total, done = self._run(batches, begin, number, tf.constant(state.total, tf.float64))
        state.step, state.total = state.step + int(done), float(total)
        state.seconds += time.perf_counter() - start
        if not math.isfinite(state.total):
            raise DivergedError(
                f"the training loss became {state.total} in epoch {state.epoch + 1}",
                where=f"step {state.step} of {self._batches}",
                remedy=REMEDY,
            )
        if state.seconds > PROGRESS_SECONDS:
            self.listen(Progress("steps", state.step, self._batches))

    def _validated(self, stop: Interruption) -> Epoch:
        """The record of the epoch whose steps are done."""
        state, ends = self.state, self.dataset.split.validation
        start, parts = time.perf_counter(), []
        for part in self._predicted(ends):
            parts.append(part)
            if stop.requested:
                raise self._stopped()
        raw, targets = np.concatenate(parts), self.dataset.target[ends]
        losses = self.steps.loss(tf.constant(targets), tf.constant(raw, tf.float32))
        loss = float(np.mean(np.asarray(losses, np.float64)))
        if not math.isfinite(loss):
            raise DivergedError(
                f"the validation loss became {loss} in epoch {state.epoch + 1}", remedy=REMEDY
            )
        better = state.is_better(loss, self.spec.min_delta)
        rate = self._last_rate()
        if self._plateau is not None:
            self.steps.optimizer.learning_rate = self._plateau.update(loss)
        seconds = state.seconds + time.perf_counter() - start
        mean = state.total / self._batches
        scores = _scores(self.dataset, ends, self.dataset.served(raw))
        return Epoch(state.epoch + 1, mean, loss, rate, seconds, better, scores)

    def _last_rate(self) -> float:
        """The learning rate of the epoch's last step."""
        if self._plateau is not None:
            return self._plateau.rate
        last = (self.state.epoch + 1) * self._batches - 1
        return float(self._rate(last)) if callable(self._rate) else self._rate

    def _save(self) -> None:
        network, optimizer = self.steps.network.variables, self.steps.optimizer.variables
        made = Checkpoint(self.state, _values(network), _values(optimizer), self._best)
        self.checkpoints.save(made)

    def _stopped(self) -> StoppedError:
        self._save()
        state = self.state
        return StoppedError(
            f"stopped after epoch {state.epoch} and {state.step} of {self._batches} steps; "
            "everything is saved"
        )


def _plateau(spec: Optimisation) -> PlateauState | None:
    falling = spec.schedule
    return PlateauState.of(falling, spec) if isinstance(falling, Plateau) else None


def _scores(dataset: Dataset, ends: Int64, served: Float64) -> Mapping[str, float]:
    """Mean macro F1 over the horizons of classes; nothing of quantities."""
    classes, actual = dataset.labels.classes, dataset.labels.value[ends]
    if classes == 1:
        return {}
    columns = range(actual.shape[1])
    each = [macro_f1(actual[:, k], likeliest(served[:, k]), classes) for k in columns]
    return {"macro_f1": float(np.mean(each))}


def _event(record: Epoch, epochs: int) -> EpochEnded:
    return EpochEnded(
        record.epoch,
        epochs,
        record.loss,
        record.validation_loss,
        record.best,
        record.seconds,
        record.scores,
    )


def _values(variables: list[keras.Variable]) -> Arrays:
    return [tf.convert_to_tensor(variable.value).numpy().copy() for variable in variables]


def _assign(variables: list[keras.Variable], values: Arrays, what: str) -> None:
    shapes = [tuple(variable.shape) for variable in variables]
    if shapes != [value.shape for value in values]:
        raise _foreign(f"its {what} has variables of other shapes")
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _foreign(what: str) -> IntegrityError:
    return IntegrityError(
        f"the checkpoint is of another recipe: {what}", remedy="train again from the beginning"
    )
