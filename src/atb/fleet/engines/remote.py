"""Jobs that workers of a cluster carry out, watched from here.

The cluster brings a job to a worker, and to another one when that vanishes. The rest of the
contract is done here: what must be done first, who is told what, how all stop. Knows no library.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from atb.errors import StoppedError
from atb.events import Event, JobBegan, JobRetried, Listener, Noted
from atb.fleet.endings import Endings
from atb.fleet.engines.task import Errand
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import Limits
from atb.fleet.queue import Queue, Task
from atb.fleet.scheduler import STOPPING
from atb.interrupt import Interruption

POLL_SECONDS = 0.2  # how soon a signal is seen
SAVING_SECONDS = 120.0  # that jobs have for stopping, before they are left to themselves
VANISHED = "its worker vanished"

Message = tuple[str, Event | Outcome]  # a ticket, and what was said of its job


class Cluster(Protocol):
    """Workers somewhere, as many as there are."""

    def begin(self, ticket: str, errand: Errand) -> None:
        """Have a worker run `task.carry_out`; another one when that worker vanishes.

        Args:
            ticket: what this time of doing the job is called; unique.
            errand: what to do, and where.
        """

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
        room = self.at_once or max(len(jobs), 1)
        queue = Queue(jobs, Limits(cores=room, waiting=room))
        watch = _Watch(
            self.cluster, queue, logs.absolute(), listen, Endings(queue, len(jobs), listen)
        )
        with Interruption() as wish:
            while queue or watch.given:
                if wish.requested:
                    watch.stop()
                watch.give()
                for ticket, said in self.cluster.heard(POLL_SECONDS):
                    watch.hear(ticket, said)
        return [watch.endings.of[job.name] for job in jobs]


@dataclass
class _Watch:
    """All jobs of one run.

    Attributes:
        cluster: that does them.
        queue: those it was not given.
        logs, listen: as in `run`.
        endings: how those ended that are over.
        given: those the cluster has, by ticket.
        until: monotonic seconds until which those that were asked to stop are waited for.
    """

    cluster: Cluster
    queue: Queue
    logs: Path
    listen: Listener
    endings: Endings
    given: dict[str, Task] = field(default_factory=dict)
    until: float | None = None

    def give(self) -> None:
        """Give the cluster every job that may begin."""
        while task := self.queue.take(list(self.given.values()), time.monotonic()):
            ticket = f"{task.job.name}-{uuid.uuid4().hex}"
            self.given[ticket] = task
            self.cluster.begin(ticket, Errand(task.job, self.logs, Path.cwd()))

    def hear(self, ticket: str, said: Event | Outcome) -> None:
        """Pass on what was said of a job, unless it is over: a worker was taken for dead."""
        task = self.given.get(ticket)
        if task is None:
            return
        if isinstance(said, Outcome):
            del self.given[ticket]
            self.endings.settle(replace(said, attempts=max(task.attempts, said.attempts)))
        elif isinstance(said, JobBegan):
            if said.attempt == 1 and task.attempts:
                self.listen(JobRetried(task.job.name, VANISHED))
            task.attempts += 1
            self.listen(JobBegan(task.job.name, task.attempts))
        else:
            self.listen(said)

    def stop(self) -> None:
        """Have all stop; those that have not in time are left."""
        if self.until is None:
            self.until = time.monotonic() + SAVING_SECONDS
            self.listen(Noted(STOPPING))
            self.endings.stop()
            self.cluster.stop()
        elif time.monotonic() > self.until:
            for task in self.given.values():
                self.endings.settle(
                    task.outcome(None, StoppedError("its worker did not stop in time"))
                )
            self.given.clear()
