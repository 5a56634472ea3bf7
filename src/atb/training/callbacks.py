"""What is watched during training: finite losses and who wants to know."""

from __future__ import annotations

import math
import time
from typing import Any

import keras

from atb.dataset.learner import Epoch
from atb.errors import DivergedError
from atb.events import EpochEnded, Listener


class Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Records each epoch, tells the listener, and stops a run whose loss is no number.

    Args:
        epochs: the most epochs there will be, for the listener.
        listen: told of each epoch.
    """

    def __init__(self, epochs: int, listen: Listener) -> None:
        super().__init__()
        self.history: list[Epoch] = []
        self._epochs = epochs
        self._listen = listen
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Start the clock."""
        self._start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Refuse to go on from a loss that is NaN or infinite."""
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            raise DivergedError(
                f"the training loss became {loss} in epoch {len(self.history) + 1}",
                where=f"batch {batch}",
                remedy="lower --learning-rate, or look at the data with: atb data check",
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Record the epoch and report it."""
        values = logs or {}
        loss, validation_loss = float(values["loss"]), float(values["val_loss"])
        if not math.isfinite(validation_loss):
            raise DivergedError(
                f"the validation loss became {validation_loss} in epoch {epoch + 1}",
                remedy="lower --learning-rate, or look at the data with: atb data check",
            )
        seconds = time.perf_counter() - self._start
        best = all(validation_loss < earlier.validation_loss for earlier in self.history)
        self.history.append(Epoch(epoch + 1, loss, validation_loss, seconds, best))
        self._listen(EpochEnded(epoch + 1, self._epochs, loss, validation_loss, best, seconds))
