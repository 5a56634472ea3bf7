"""Jobs that workers of a cluster carry out, watched from here.

The cluster brings a job to a worker, and to another one when that vanishes. The rest of the
contract is done here: what must be done first, who is told what, how all stop. Knows no library.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from atb.errors import StoppedError
from atb.events import Event, JobBegan, JobEnded, JobRetried, Listener, Noted, Progress
from atb.fleet.job import Job, Outcome
from atb.fleet.scheduler import STOPPING
from atb.interrupt import Interruption

POLL_SECONDS = 0.2  # how soon a signal is seen
SAVING_SECONDS = 120.0  # that jobs have for stopping, before they are left to themselves
VANISHED = "its worker vanished"

Message = tuple[str, Event | Outcome]  # a job's name, and what was said of it


class Cluster(Protocol):
    """Workers somewhere, as many as there are."""

    def begin(self, job: Job, logs: Path) -> None:
        """Have a job done by `task.carry_out` on a worker; again when the worker vanishes."""

    def heard(self, seconds: float) -> Iterable[Message]:
        """What was said since the last time; waits so long for the first word.

        The last of a job is its `Outcome`, however it ended.
        """

    def stop(self) -> None:
        """Begin nothing more, and ask what is at work to stop."""


@dataclass
class Remote:
    """An engine with workers elsewhere.

    Attributes:
        name: of the engine.
        cluster: its workers.
        at_once: jobs given to it at most at any time; None for all that can begin.
    """

    name: str
    cluster: Cluster
    at_once: int | None = None

    def run(self, jobs: Sequence[Job], logs: Path, listen: Listener) -> list[Outcome]:
        """Do all jobs, as `atb.fleet.engine` says."""
        watch = _Watch(jobs, listen)
        with Interruption() as wish:
            until = None
            while watch.going_on():
                if wish.requested and until is None:
                    until = time.monotonic() + SAVING_SECONDS
                    listen(Noted(STOPPING))
                    watch.give_up_waiting()
                    self.cluster.stop()
                for job in watch.next(self.at_once or len(jobs)):
                    self.cluster.begin(job, logs.absolute())
                for name, message in self.cluster.heard(POLL_SECONDS):
                    watch.hear(name, message)
                if until is not None and time.monotonic() > until:
                    watch.leave()
        return [watch.ended[job.name] for job in jobs]


class _Watch:
    """Which jobs wait, which are with the cluster, and how the others ended.

    Args:
        jobs: all of them.
        listen: told of what happens.
    """

    def __init__(self, jobs: Sequence[Job], listen: Listener) -> None:
        self.ended: dict[str, Outcome] = {}
        self._waiting = {job.name: job for job in jobs}
        self._given: set[str] = set()
        self._begun: Counter[str] = Counter()
        self._all = len(jobs)
        self._listen = listen

    def going_on(self) -> bool:
        """Whether a job has not ended."""
        return len(self.ended) < self._all

    def next(self, most: int) -> Iterator[Job]:
        """Jobs that can begin, as far as there is room; those that never can are ended."""
        for job in list(self._waiting.values()):
            lacking = next((name for name in job.needs if self._failed(name)), None)
            if lacking is not None:
                del self._waiting[job.name]
                self._end(Outcome(job.name, None, cannot_begin(lacking), 0.0))
            elif len(self._given) < most and all(name in self.ended for name in job.needs):
                del self._waiting[job.name]
                self._given.add(job.name)
                yield job

    def hear(self, name: str, message: Event | Outcome) -> None:
        """Pass on what was said of a job."""
        if name in self.ended:  # said by a worker that was taken for dead
            return
        match message:
            case Outcome():
                attempts = max(self._begun[name], message.attempts)
                self._end(replace(message, attempts=attempts))
            case JobBegan(attempt=attempt):
                if attempt == 1 and self._begun[name]:
                    self._listen(JobRetried(name, VANISHED))
                self._begun[name] += 1
                self._listen(JobBegan(name, self._begun[name]))
            case _:
                self._listen(message)

    def give_up_waiting(self) -> None:
        """End what the cluster was not given."""
        while self._waiting:
            name, _job = self._waiting.popitem()
            self._end(Outcome(name, None, StoppedError("stopped before it began"), 0.0))

    def leave(self) -> None:
        """End what the cluster has not ended."""
        for name in sorted(self._given):
            self._end(Outcome(name, None, StoppedError("its worker did not stop in time"), 0.0))

    def _failed(self, name: str) -> bool:
        return name in self.ended and self.ended[name].error is not None

    def _end(self, outcome: Outcome) -> None:
        self._given.discard(outcome.name)
        self.ended[outcome.name] = outcome
        self._listen(JobEnded(outcome.name, outcome.seconds, str(outcome.error or "")))
        self._listen(Progress("jobs", len(self.ended), self._all))


def cannot_begin(lacking: str) -> StoppedError:
    """Why a job was not begun: what it needs is not there."""
    return StoppedError(f"not begun: it needs {lacking}, which is not done")
