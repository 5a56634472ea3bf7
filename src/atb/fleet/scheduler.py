"""Runs jobs side by side, as many as there is room for, and reports how each ended.

Processes are spawned, never forked: TensorFlow does not survive a fork. Each has a line of its own
to the parent, so that one that is killed while it speaks disturbs no other.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection
from pathlib import Path

from atb import atomic
from atb.events import (
    JobBegan,
    JobRetried,
    Listener,
    Memory,
    Noted,
    Within,
    silent,
)
from atb.fleet import watch
from atb.fleet.endings import Endings
from atb.fleet.failure import Again, Failure
from atb.fleet.job import Job, Outcome
from atb.fleet.member import Member
from atb.fleet.policy import USUAL, Limits, Policy
from atb.fleet.queue import Queue, Task
from atb.fleet.worker import Done
from atb.interrupt import Interruption

STOPPING = "stopping after this step; again to kill"
POLL_SECONDS = 0.2  # how soon a wish to stop is passed on
WATCH_SECONDS = 2.0  # between two looks at what processes use


def run(
    jobs: Sequence[Job],
    limits: Limits,
    logs: Path,
    listen: Listener = silent,
    policy: Policy = USUAL,
) -> list[Outcome]:
    """Do all jobs; one that fails or dies takes no other with it, but for those that need it.

    Downloads begin first, others in their order as soon as what they need is done and there is
    room. The first SIGINT or SIGTERM asks every process to stop and waits for them; those not begun
    are not. A second one kills. When this process dies, its children stop by themselves.

    Args:
        jobs: each with a name of its own.
        limits: what all of them together may use.
        logs: folder for what a process says on stderr; what failed leaves its file there.
        listen: told when each job begins, of its events and its memory, when it is begun again, of
            its end, how many have ended unless they were stopped, and of a wish to stop.
        policy: what is done about a job whose process fails it.

    Returns:
        The outcomes in the order of the jobs.

    Raises:
        ConfigError: for two jobs of one name, a need that is no job, or needs in a circle.
        StorageError: when the folder cannot be made.
        ResourceError: when psutil is not installed.
    """
    atomic.make_folder(logs)
    queue = Queue(jobs, limits)
    fleet = _Fleet(queue, Endings(queue, len(jobs), listen), limits, logs, listen, policy)
    with Interruption() as wish, fleet.none_left():
        while fleet.queue or fleet.running:
            if wish.requested:
                fleet.stop()
            fleet.begin()
            fleet.hear()
            fleet.watch()
    return [fleet.endings.of[job.name] for job in jobs]


@dataclass
class _Fleet:
    """All jobs of one run.

    Attributes:
        queue: those without a process.
        endings: how those ended that are over.
        limits, logs, listen, policy: as in `run`.
        running: those with a process.
        stopping: whether all were asked to stop.
        looked: monotonic seconds of the last look at what processes use.
    """

    queue: Queue
    endings: Endings
    limits: Limits
    logs: Path
    listen: Listener
    policy: Policy
    running: list[Member] = field(default_factory=list)
    stopping: bool = False
    looked: float = field(default_factory=time.monotonic)

    @contextmanager
    def none_left(self) -> Iterator[None]:
        """Whoever is still at work when the body ends is killed."""
        try:
            yield
        finally:
            for member in self.running:
                member.end()

    def stop(self) -> None:
        """Ask everyone to stop; nobody begins any more."""
        if self.stopping:
            return
        self.stopping = True
        self.listen(Noted(STOPPING))
        self.endings.stop()
        for member in self.running:
            member.ask_to_stop()

    def begin(self) -> None:
        """Give a process to everyone there is room for."""
        while task := self.queue.take([one.task for one in self.running], time.monotonic()):
            member = Member.begin(task, self.logs)
            self.running.append(member)
            self.listen(JobBegan(task.job.name, task.attempts))
            member.give()

    def hear(self) -> None:
        """Wait until something is said, or someone ends, or it is time to look up; pass it on."""
        lines = [one.line for one in self.running if not one.hung_up]
        connection.wait([*lines, *(one.process.sentinel for one in self.running)], POLL_SECONDS)
        for member in list(self.running):
            over = not member.process.is_alive()  # before reading, or its last word may be missed
            for event in member.events():
                self.listen(Within(member.task.job.name, event))
            if over:
                self._close(member)

    def watch(self) -> None:
        """Look now and then at what processes use, and kill who uses too much or nothing at all."""
        if time.monotonic() - self.looked < WATCH_SECONDS:
            return
        self.looked = time.monotonic()
        groups = watch.by_group()
        for member in self.running:
            usage = groups.get(member.process.ident or 0, watch.Usage(member.used))
            if usage.memory:
                self.listen(Within(member.task.job.name, Memory(usage.memory)))
            member.look(usage, self._allowed(member.task), self.policy.silent_seconds)

    def _allowed(self, task: Task) -> float | None:
        """Bytes that a task may hold; one that nobody is beside may take what all may."""
        if self.policy.over_memory is None:
            return None
        budget = self.policy.over_memory * task.job.memory
        if len(self.running) > 1:
            return budget
        return None if self.limits.memory is None else max(budget, self.limits.memory)

    def _close(self, member: Member) -> None:
        """Write down how a process ended, or let its task begin again."""
        self.running.remove(member)
        task, end = member.task, member.ended()
        if isinstance(end, Done):
            self.endings.settle(task.outcome(end.value, None))
        elif self._again(task, end):
            task.alone = task.alone or end.again is Again.ALONE
            pause = self.policy.pause_seconds * 2 ** (task.attempts - 1)
            task.not_before = time.monotonic() + pause
            self.listen(JobRetried(task.job.name, str(end.error)))
            self.queue.put_back(task)
        else:
            self.endings.settle(task.outcome(None, end.error))

    def _again(self, task: Task, failure: Failure) -> bool:
        wished = failure.again is not Again.NO and not self.stopping
        return wished and task.attempts < self.policy.attempts
