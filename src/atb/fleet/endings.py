"""How jobs ended, and who is told. Knows no queue and no process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from atb.errors import AtbError, StoppedError
from atb.events import JobEnded, Listener, Progress
from atb.fleet.job import Outcome
from atb.fleet.queue import Task


@dataclass
class Endings:
    """The outcomes of a run so far.

    Attributes:
        total: jobs in all.
        listen: told of each end, and how many have ended unless they were stopped.
        of: outcomes by the job's name.
    """

    total: int
    listen: Listener
    of: dict[str, Outcome] = field(default_factory=dict)

    def settle(self, outcome: Outcome) -> None:
        """Write down how a job ended."""
        self.of[outcome.name] = outcome
        self.listen(JobEnded(outcome.name, outcome.seconds, _problem(outcome.error)))
        if not isinstance(outcome.error, StoppedError):  # it came to its own end, good or bad
            count = sum(not isinstance(one.error, StoppedError) for one in self.of.values())
            self.listen(Progress("jobs", count, self.total))

    def before_they_began(self, tasks: Iterable[Task]) -> None:
        """Write down those that were stopped before; nobody has heard of them."""
        for task in tasks:
            stopped = StoppedError("stopped before it began")
            self.of[task.job.name] = task.outcome(None, stopped)


def _problem(error: AtbError | None) -> str:
    """Why a job is not done; how one that was stopped goes on is for whoever ran all to say."""
    if isinstance(error, StoppedError):
        return error.what
    return str(error or "")
