"""Where a training stands: everything of it that is no weight and no tensor.

What early stopping and the plateau schedule remember follows from the history, so it is not kept a
second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import Any

from atb.dataset.learner import Epoch


@dataclass
class State:
    """A place between two steps.

    Attributes:
        seed: of the permutations of the windows; with the epoch it decides their order.
        policy: dtype policy of the network.
        accumulation: parts a batch is computed in.
        history: the epochs that are done.
        step: steps done in the epoch that is not, the cursor into its windows.
        total: sum of the mean losses of those steps.
        seconds: spent on those steps.
    """

    seed: int
    _: KW_ONLY
    policy: str = "float32"
    accumulation: int = 1
    history: list[Epoch] = field(default_factory=list)
    step: int = 0
    total: float = 0.0
    seconds: float = 0.0

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return len(self.history)

    @property
    def best(self) -> Epoch | None:
        """The epoch whose weights are worth keeping."""
        return next((record for record in reversed(self.history) if record.best), None)

    @property
    def waited(self) -> int:
        """Epochs since the best one."""
        return self.epoch - (self.best.epoch if self.best else 0)

    def is_better(self, validation_loss: float, min_delta: float) -> bool:
        """Whether a validation loss is lower than the best by more than `min_delta`."""
        return self.best is None or validation_loss < self.best.validation_loss - min_delta

    def close_epoch(self, record: Epoch) -> None:
        """Add an epoch that is done and stand at the beginning of the next."""
        self.history.append(record)
        self.step, self.total, self.seconds = 0, 0.0, 0.0

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON; every number comes back bit for bit."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> State:
        """The state that `to_json` wrote."""
        history = [Epoch(**record) for record in values["history"]]
        return cls(**{**values, "history": history})
