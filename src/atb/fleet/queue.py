"""Which job may begin next: downloads first, then in order, after what it needs, if there is room.

Knows what jobs expect and how others ended, not how any of them is carried out.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from atb.errors import AtbError, ConfigError, NotBegunError, StoppedError, nearest
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import Limits


@dataclass
class Task:
    """A job on its way to its outcome.

    Attributes:
        job: what is to be done.
        number: its place among the jobs.
        attempts: how often it was begun.
        seconds: of wall time at work, all attempts together.
        memory: bytes it was seen to hold at most.
        alone: whether it must not run beside others.
        not_before: monotonic seconds at which it may begin.
    """

    job: Job
    number: int
    attempts: int = 0
    seconds: float = 0.0
    memory: int = 0
    alone: bool = False
    not_before: float = 0.0

    @property
    def waits(self) -> bool:
        """Whether it only waits for a network, as downloads do."""
        return self.job.cores == 0

    def outcome(self, value: Any, error: AtbError | None) -> Outcome:
        """How it ended."""
        return Outcome(self.job.name, value, error, self.seconds, self.attempts, self.memory)


class Queue:
    """Tasks that are not at work, in the order in which they should begin."""

    def __init__(self, jobs: Sequence[Job], limits: Limits) -> None:
        """Line them up.

        Args:
            jobs: each with a name of its own.
            limits: what those at work together may use.

        Raises:
            ConfigError: for two jobs of one name, a need that is no job, or needs in a circle.
        """
        _require_sound(jobs)
        self._limits = limits
        tasks = (Task(job, number) for number, job in enumerate(jobs))
        self._tasks = sorted(tasks, key=_place)
        self._done: set[str] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self, at_work: Sequence[Task], now: float) -> Task | None:
        """The next task that may begin, which then waits no more; None where there is none.

        Those that must run alone come after all others that may begin.

        Args:
            at_work: those that have a process.
            now: monotonic seconds.
        """
        blocked: set[bool] = set()  # none overtakes another of its kind that waits for room
        for index, task in enumerate(self._tasks):
            if task.waits in blocked or not self._ready(task, now):
                continue
            if self._fits(task, at_work):
                return self._tasks.pop(index)
            if not task.alone:
                blocked.add(task.waits)
        return None

    def put_back(self, task: Task) -> None:
        """Let a task begin again, at its own place."""
        bisect.insort(self._tasks, task, key=_place)

    def succeeded(self, name: str) -> None:
        """Let those begin that needed this job."""
        self._done.add(name)

    def failed(self, name: str, error: AtbError) -> Iterator[tuple[Task, AtbError]]:
        """Those that needed this job, or one that did, and will never begin; and why."""
        lost = {name}
        while beyond := [one for one in self._tasks if not lost.isdisjoint(one.job.needs)]:
            for task in beyond:
                self._tasks.remove(task)
                lost.add(task.job.name)
                yield task, not_begun(name, error)

    def clear(self) -> list[Task]:
        """All of them; none is left."""
        tasks, self._tasks = self._tasks, []
        return tasks

    def _ready(self, task: Task, now: float) -> bool:
        if task.not_before > now or not self._supplied(task):
            return False
        return not (
            task.alone and any(not one.alone and self._supplied(one) for one in self._tasks)
        )

    def _supplied(self, task: Task) -> bool:
        return self._done.issuperset(task.job.needs)

    def _fits(self, task: Task, at_work: Sequence[Task]) -> bool:
        """Whether there is room beside those at work; with none at work, there always is."""
        if not at_work:
            return True
        if task.alone or any(one.alone for one in at_work):
            return False
        together = [*at_work, task]
        limits = self._limits
        if limits.memory is not None and sum(one.job.memory for one in together) > limits.memory:
            return False
        if task.waits:
            return sum(one.waits for one in together) <= limits.waiting
        busy = sum(one.job.cores for one in together)
        return busy <= limits.cores or busy == task.job.cores


def _place(task: Task) -> tuple[bool, int]:
    return (not task.waits, task.number)


def _require_sound(jobs: Sequence[Job]) -> None:
    names = {job.name for job in jobs}
    if len(names) < len(jobs):
        doubled = next(one.name for n, one in enumerate(jobs) if one.name in _names(jobs[:n]))
        raise ConfigError(f"two jobs are called {doubled!r}", remedy="give each its own name")
    for job in jobs:
        for need in job.needs:
            if need not in names:
                what = f"it needs {need!r}, which is no job"
                raise ConfigError(what, where=f"job {job.name}", remedy=nearest(need, names))
    try:
        TopologicalSorter({job.name: job.needs for job in jobs}).prepare()
    except CycleError as error:
        circle = ", which needs ".join(reversed(error.args[1]))
        raise ConfigError(f"jobs need each other: {circle}", remedy="remove one need") from error


def _names(jobs: Sequence[Job]) -> set[str]:
    return {job.name for job in jobs}


def not_begun(name: str, error: AtbError) -> AtbError:
    """Why a job was not begun that needs one which ended so."""
    if isinstance(error, StoppedError):
        return StoppedError(f"stopped before it began: {name} was stopped")
    remedy = f"mend what stopped {name}"
    return NotBegunError(f"not begun: {name} failed", remedy=remedy, exit_code=error.exit_code)
