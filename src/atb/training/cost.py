"""What a training takes in each precision: memory by estimate, time by taking a few steps.

Knows neither candles nor how long a training goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from atb.config.training import TrainingConfig
from atb.training import memory, precision, trial
from atb.training.memory import Memory

FULL, HALVES = "float32", ("mixed_float16", "mixed_bfloat16")


@dataclass(frozen=True)
class Cost:
    """Memory and time of a training in one precision.

    Attributes:
        memory: of a step.
        device: what was timed, for people.
        seconds_per_step: None where it was not timed.
        seconds_per_epoch: of its train steps, without validation; None likewise.
    """

    memory: Memory
    device: str
    seconds_per_step: float | None
    seconds_per_epoch: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain values, bytes under `memory`."""
        return {
            "memory": self.memory.to_json(),
            "device": self.device,
            "seconds_per_step": self.seconds_per_step,
            "seconds_per_epoch": self.seconds_per_epoch,
        }


def by_precision(config: TrainingConfig, windows: int) -> list[Cost]:
    """The cost in float32 and in both half precisions, which are timed only on a GPU.

    Args:
        config: the recipe.
        windows: in an epoch.
    """
    gpus = precision.gpus()
    device = gpus[0].name if gpus else "CPU"
    batch = min(config.training.batch, windows)

    def cost(policy: str) -> Cost:
        need = memory.estimate(config, policy, batch)
        if policy in HALVES and not gpus:
            return Cost(need, device, None, None)
        step = trial.seconds_per_step(config, policy, batch)
        return Cost(need, device, step, trial.seconds_per_epoch(step, windows, batch))

    return [cost(policy) for policy in (FULL, *HALVES)]
