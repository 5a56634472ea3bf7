"""Runs jobs side by side, so many at once, and reports how each ended.

Processes are spawned, never forked: TensorFlow does not survive a fork. Each has a line of its own
to the parent, so that one that is killed while it speaks disturbs no other.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from atb import atomic
from atb.errors import AtbError, ResourceError, StoppedError
from atb.events import JobEnded, Listener, Noted, Progress, Within, silent
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import USUAL, Limits, Policy
from atb.fleet.worker import Done, work
from atb.interrupt import Interruption

STOPPING = "stopping after this step; again to kill"
POLL_SECONDS = 0.2  # how soon a wish to stop is passed on
_SPAWN = multiprocessing.get_context("spawn")


def run(
    jobs: Sequence[Job],
    limits: Limits,
    logs: Path,
    listen: Listener = silent,
    policy: Policy = USUAL,
) -> list[Outcome]:
    """Do all jobs, begun in their order; one that fails or dies takes no other with it.

    The first SIGINT or SIGTERM asks every process to stop and waits for them; those not begun are
    not. A second one kills. When this process dies, its children stop by themselves.

    Args:
        jobs: each with a name of its own.
        limits: what all of them together may use.
        logs: folder for what a process says on stderr; what failed leaves its file there.
        listen: told of each job's events, of its end, how many have ended unless they were
            stopped, and of a wish to stop.
        policy: what is done about a job whose process fails it.

    Returns:
        The outcomes in the order of the jobs.

    Raises:
        StorageError: when the folder cannot be made.
    """
    atomic.make_folder(logs)
    waiting, ended = deque(jobs), dict[str, Outcome]()
    with Interruption() as wish, _none_left() as running:
        stopping = False
        while waiting or running:
            if wish.requested and not stopping:
                stopping = True
                listen(Noted(STOPPING))
                waiting.clear()
                for member in running:
                    member.ask_to_stop()
            while waiting and len(running) < limits.processes:
                running.append(_Member.begin(waiting.popleft(), logs))
            _await(running)
            for member in [one for one in running if one.over(listen)]:
                running.remove(member)
                ended[member.job.name] = outcome = member.outcome()
                listen(JobEnded(outcome.name, outcome.seconds, _problem(outcome)))
                if _by_itself(outcome):
                    listen(Progress("jobs", sum(map(_by_itself, ended.values())), len(jobs)))
    return [ended.get(job.name) or _not_begun(job) for job in jobs]


def _by_itself(outcome: Outcome) -> bool:
    """Whether a job came to its own end, good or bad."""
    return not isinstance(outcome.error, StoppedError)


def _problem(outcome: Outcome) -> str:
    """Why a job is not done; how one that was stopped goes on is for whoever ran all to say."""
    error = outcome.error
    if isinstance(error, StoppedError):
        return error.what
    return str(error or "")


def _not_begun(job: Job) -> Outcome:
    return Outcome(job.name, None, StoppedError("stopped before it began"), 0.0)


@contextmanager
def _none_left() -> Iterator[list[_Member]]:
    """A list of members; whoever is still in it when the body ends is killed."""
    running: list[_Member] = []
    try:
        yield running
    finally:
        for member in running:
            member.process.kill()
            member.process.join()


def _await(running: Sequence[_Member]) -> None:
    """Until something is said, or someone ends, or it is time to look up."""
    connection.wait(
        [source for one in running for source in (one.line, one.process.sentinel)], POLL_SECONDS
    )


@dataclass
class _Member:
    """A job at work.

    Attributes:
        job: what it does.
        process: who does it.
        line: where its messages arrive.
        log: what it says on stderr.
        began: monotonic seconds.
        answer: its last word, once it has come.
        asked: whether it was asked to stop.
        hung_up: whether its end of the line is closed.
    """

    job: Job
    process: SpawnProcess
    line: connection.Connection
    log: Path
    began: float = field(default_factory=time.monotonic)
    answer: Done | AtbError | None = None
    asked: bool = False
    hung_up: bool = False

    @classmethod
    def begin(cls, job: Job, logs: Path) -> _Member:
        line, far_end = _SPAWN.Pipe(duplex=False)
        log = logs / f"{job.name}.log"
        level = logging.getLogger("atb").getEffectiveLevel()
        process = _SPAWN.Process(target=work, args=(job, far_end, log, level), name=job.name)
        process.start()
        far_end.close()  # the child's alone: when it dies, the line ends
        return cls(job, process, line, log)

    def ask_to_stop(self) -> None:
        if not self.asked:
            self.asked = True
            self.process.terminate()

    def over(self, listen: Listener) -> bool:
        """Whether its process has ended; what it said until then is passed on."""
        dead = not self.process.is_alive()  # before reading, or its last word may be missed
        for message in self._said():
            if isinstance(message, Done | AtbError):
                self.answer = message
            else:
                listen(Within(self.job.name, message))
        if self.hung_up:
            self.process.join()
        return dead or self.hung_up

    def _said(self) -> Iterator[Any]:
        """Its messages so far; a listener's own errors are none of the line's."""
        try:
            while self.line.poll():
                yield self.line.recv()
        except (EOFError, OSError):  # it ended, perhaps within a word
            self.hung_up = True

    def outcome(self) -> Outcome:
        """How it ended, once it is over."""
        self.line.close()
        seconds = time.monotonic() - self.began
        answer = self._crash() if self.answer is None else self.answer
        if isinstance(answer, Done):
            self.log.unlink(missing_ok=True)
            return Outcome(self.job.name, answer.value, None, seconds)
        return Outcome(self.job.name, None, answer, seconds)

    def _crash(self) -> AtbError:
        """Why there is no last word."""
        code = self.process.exitcode or 0
        if self.asked or code == -signal.SIGTERM:
            return StoppedError("stopped")
        if code == -signal.SIGKILL:
            return ResourceError(
                "its process was killed (SIGKILL), as the system does when memory runs out",
                remedy="run fewer at once",
            )
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        said = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        last = next((line.strip() for line in reversed(said) if line.strip()), "")
        return AtbError(
            f"its process died ({how}){': ' if last else ''}{last}",
            where=str(self.log) if last else "",
        )
