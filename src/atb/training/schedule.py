"""The learning rate of each step of the optimiser.

Knows steps and epochs; what happens in them it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras

from atb.config.optimisation import Constant, Cosine, Exponential, Optimisation, Plateau, Step

Rate: TypeAlias = float | keras.optimizers.schedules.LearningRateSchedule


def build(spec: Optimisation, steps: int) -> Rate:
    """The learning rate as Keras optimisers take it: a number, or a function of the iteration.

    Args:
        spec: the schedule, the largest rate and the epochs.
        steps: of the optimiser, in an epoch.

    Returns:
        A number for `constant`, and for `plateau`, whose `PlateauState` says when to lower it.
    """
    return BUILDERS[spec.schedule.kind](spec.schedule, spec, steps)


def _unchanged(_spec: Constant | Plateau, training: Optimisation, _steps: int) -> Rate:
    return training.learning_rate


def _cosine(spec: Cosine, training: Optimisation, steps: int) -> Rate:
    """A straight line up over W steps, then half a cosine down, in a training of N steps.

    The largest rate times, in step s = 0, 1, ...:

        (s + 1) / W                             while s < W
        (1 + cos(pi (s - p) / (N - 1 - p))) / 2     after, with p = max(W - 1, 0); 0 when s = N - 1

    Warm-up: Goyal et al. 2017, section 2.2; cosine: Loshchilov and Hutter 2017, equation 5. A
    training shorter than its warm-up ends on the way up.
    """
    rate, total, warmup = training.learning_rate, training.epochs * steps, spec.warmup * steps
    peak = max(warmup - 1, 0)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=rate / max(warmup, 1),
        warmup_steps=peak,
        warmup_target=rate,
        decay_steps=max(total - 1 - peak, 1),
    )


def _step(spec: Step, training: Optimisation, steps: int) -> Rate:
    """The largest rate times gamma ** floor(s / (size * steps))."""
    return keras.optimizers.schedules.ExponentialDecay(
        training.learning_rate, spec.size * steps, spec.gamma, staircase=True
    )


def _exponential(spec: Exponential, training: Optimisation, steps: int) -> Rate:
    """The largest rate times gamma ** floor(s / steps)."""
    return keras.optimizers.schedules.ExponentialDecay(
        training.learning_rate, steps, spec.gamma, staircase=True
    )


BUILDERS: Mapping[str, Callable[[Any, Optimisation, int], Rate]] = {
    "constant": _unchanged,
    "cosine": _cosine,
    "step": _step,
    "exponential": _exponential,
    "plateau": _unchanged,
}


@dataclass
class PlateauState:
    """A learning rate that falls whenever validation stops getting better; plain values only.

    Attributes:
        rate: learning rate of the epochs to come.
        factor: what it is multiplied by.
        patience: epochs without a better validation loss before it is.
        min_delta: how much lower a validation loss must be to be better.
        best: lowest validation loss so far.
        wait: epochs since then, or since the rate was last lowered.
    """

    rate: float
    factor: float
    patience: int
    min_delta: float
    best: float = math.inf
    wait: int = 0

    @classmethod
    def of(cls, spec: Plateau, training: Optimisation) -> PlateauState:
        """The state before the first epoch."""
        return cls(training.learning_rate, spec.factor, spec.patience, training.min_delta)

    def update(self, validation_loss: float) -> float:
        """The learning rate after an epoch with this validation loss.

        >>> state = PlateauState(rate=1.0, factor=0.5, patience=2, min_delta=0.0)
        >>> [state.update(loss) for loss in (3.0, 2.0, 2.0, 2.5, 2.0)]
        [1.0, 1.0, 1.0, 0.5, 0.5]
        """
        if validation_loss < self.best - self.min_delta:
            self.best, self.wait = validation_loss, 0
            return self.rate
        self.wait += 1
        if self.wait == self.patience:
            self.rate, self.wait = self.rate * self.factor, 0
        return self.rate
