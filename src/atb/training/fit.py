"""Fit a network: Adam, early stopping on validation loss, the best epoch's weights kept.

Deterministic on a CPU for a given seed: initial weights, dropout and the order of windows come
from it alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt

from atb.config.architectures import Architecture
from atb.config.optimisation import Optimisation
from atb.config.targets import Target
from atb.dataset.build import Dataset
from atb.dataset.learner import Fitted
from atb.dataset.windows import Windows
from atb.events import Listener, silent
from atb.models import build, heads
from atb.training.callbacks import Watch

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Batches run between two returns to Python, at most: more give little further gain.
STEPS_PER_EXECUTION = 8
EVALUATION_BATCH = 1024


@dataclass(frozen=True)
class NetworkLearner:
    """Learns with a Keras network; see `atb.dataset.learner.Learner`."""

    architecture: Architecture
    target: Target
    optimisation: Optimisation
    listen: Listener = silent

    def fit(self, dataset: Dataset) -> Fitted:
        """Fit on train windows, stop and choose on validation windows.

        Raises:
            DivergedError: when a loss is no longer a finite number.
        """
        spec, split = self.optimisation, dataset.split
        keras.utils.set_random_seed(spec.seed)
        shape = (dataset.window, dataset.matrix.shape[1])
        network = build.network(self.architecture, self.target, shape)
        windows = Windows(dataset.matrix, dataset.target, dataset.window)
        batch = min(spec.batch, len(split.train))
        steps, together = _steps(len(split.train) // batch)
        network.compile(
            optimizer=keras.optimizers.Adam(spec.learning_rate),
            loss=heads.loss(self.target),
            steps_per_execution=together,
            jit_compile=False,  # XLA slows recurrent layers down on a CPU
        )
        watch = Watch(spec.epochs, self.listen)
        network.fit(
            windows.epochs(split.train, batch, steps, spec.seed),
            steps_per_epoch=steps,
            validation_data=windows.in_order(split.validation, EVALUATION_BATCH),
            epochs=spec.epochs,
            callbacks=[watch, _early_stopping(spec)],
            shuffle=False,  # the windows come shuffled, by a permutation that can be resumed
            verbose=0,
        )
        return _fitted(network, windows, watch, spec)


def _steps(batches: int) -> tuple[int, int]:
    """Steps in an epoch, and how many run between two returns to Python.

    Keras counts in whole runs: the longest run is taken that leaves out at most a hundredth of
    the batches.
    """
    together = next(k for k in range(STEPS_PER_EXECUTION, 0, -1) if batches % k <= batches / 100)
    return batches // together * together, together


def _early_stopping(spec: Optimisation) -> keras.callbacks.EarlyStopping:
    return keras.callbacks.EarlyStopping(
        monitor="val_loss", patience=spec.patience, restore_best_weights=True, mode="min"
    )


def _fitted(network: keras.Model, windows: Windows, watch: Watch, spec: Optimisation) -> Fitted:
    def predict(ends: Int64) -> Float64:
        batches = windows.in_order(ends, EVALUATION_BATCH)
        raw = network.predict(batches, verbose=0)
        return np.asarray(raw, np.float64)[:, 0]

    epochs = len(watch.history)
    best = max(record.epoch for record in watch.history if record.best)
    ended_early = epochs < spec.epochs
    reason = (
        f"no better validation loss for {spec.patience} epochs"
        if ended_early
        else f"all {spec.epochs} epochs done"
    )
    return Fitted(network, predict, tuple(watch.history), best, reason, int(network.count_params()))
