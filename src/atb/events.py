"""What happened during a long job, as frozen records handed to a listener.

Whoever works reports; who listens (a progress bar, a log, a test) is no business of this module.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class StageStarted:
    """A stage begins: data, batch, startup, features, dataset, training, evaluation, ..., save."""

    stage: str


@dataclass(frozen=True)
class StageEnded:
    """A stage is done, after `seconds` of wall time."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class EpochEnded:
    """One epoch of `epochs` at most; `epoch` counts from 1, losses are in the training unit."""

    epoch: int
    epochs: int
    loss: float
    validation_loss: float
    best: bool
    seconds: float
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """How good a model is on test rows at one horizon, in rows: metrics by name, and in words."""

    horizon: int
    metrics: Mapping[str, float]
    verdict: str


@dataclass(frozen=True)
class Progress:
    """`done` of `total` pieces (files, bytes, bars) of `task`; `total` 0 when unknown."""

    task: str
    done: int
    total: int


@dataclass(frozen=True)
class Warned:
    """Something the user should know that does not stop the job."""

    message: str


@dataclass(frozen=True)
class Noted:
    """Something that was decided for the user, and why."""

    message: str


@dataclass(frozen=True)
class Memory:
    """A process holds so many bytes."""

    bytes: int


@dataclass(frozen=True)
class JobBegan:
    """One of several jobs side by side has a process now; `attempt` counts from 1."""

    job: str
    attempt: int


@dataclass(frozen=True)
class JobRetried:
    """One of several jobs failed by `problem`, and will be begun again."""

    job: str
    problem: str


@dataclass(frozen=True)
class JobEnded:
    """One of several jobs side by side is over after `seconds`; `problem` is empty if it did it."""

    job: str
    seconds: float
    problem: str


@dataclass(frozen=True)
class Within:
    """What happened in one of several jobs that run side by side."""

    job: str
    event: Event


Event = (
    StageStarted
    | StageEnded
    | EpochEnded
    | Measured
    | Progress
    | Warned
    | Noted
    | Memory
    | JobBegan
    | JobRetried
    | JobEnded
    | Within
)
Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """The listener that does nothing."""


@dataclass
class Stopwatch:
    """Times the stages of one job and tells the listener where it stands."""

    listen: Listener = silent
    seconds: dict[str, float] = field(default_factory=dict)
    _start: float = field(default_factory=time.perf_counter)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body as stage `name`; nothing is recorded when it raises."""
        self.listen(StageStarted(name))
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        self.listen(StageEnded(name, self.seconds[name]))

    def total(self) -> dict[str, float]:
        """Seconds by stage, and `total` since the watch was made."""
        return {**self.seconds, "total": time.perf_counter() - self._start}
