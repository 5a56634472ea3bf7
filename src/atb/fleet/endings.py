"""How jobs ended: who is told, and what becomes of those that need them. Knows no process."""

from __future__ import annotations

from dataclasses import dataclass, field

from atb.errors import AtbError, StoppedError
from atb.events import JobEnded, Listener, Progress
from atb.fleet.job import Outcome
from atb.fleet.queue import Queue


@dataclass
class Endings:
    """The outcomes of a run so far.

    Attributes:
        queue: of those that have not begun.
        total: jobs in all.
        listen: told how many have ended unless they were stopped, from the beginning on, and of
            each end.
        of: outcomes by the job's name.
    """

    queue: Queue
    total: int
    listen: Listener
    of: dict[str, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.listen(Progress("jobs", 0, self.total))

    def settle(self, outcome: Outcome) -> None:
        """Write down how a job ended; those that need it may begin, or never will."""
        self._write(outcome)
        if outcome.error is None:
            self.queue.succeeded(outcome.name)
            return
        for task, error in self.queue.failed(outcome.name, outcome.error):
            self._write(task.outcome(None, error))

    def stop(self) -> None:
        """Write down that all others are stopped before they began; nobody has heard of them."""
        for task in self.queue.clear():
            stopped = StoppedError("stopped before it began")
            self.of[task.job.name] = task.outcome(None, stopped)

    def _write(self, outcome: Outcome) -> None:
        self.of[outcome.name] = outcome
        self.listen(JobEnded(outcome.name, outcome.seconds, _problem(outcome.error)))
        if not isinstance(outcome.error, StoppedError):  # it came to its own end, good or bad
            count = sum(not isinstance(one.error, StoppedError) for one in self.of.values())
            self.listen(Progress("jobs", count, self.total))


def _problem(error: AtbError | None) -> str:
    """Why a job is not done; how one that was stopped goes on is for whoever ran all to say."""
    if isinstance(error, StoppedError):
        return error.what
    return str(error or "")
