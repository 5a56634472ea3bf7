"""What a fleet may use of the machine, and what it does about a job that fails."""

from __future__ import annotations

from dataclasses import dataclass

from atb.fleet.job import PROCESS_BYTES


@dataclass(frozen=True)
class Limits:
    """What all jobs together may use.

    Attributes:
        cores: jobs with a core of their own that run side by side, 1 or more.
        memory: bytes that jobs side by side are expected to hold together; None for no limit. One
            that expects more runs alone.
        waiting: jobs without a core of their own, downloads, that run side by side.
    """

    cores: int
    memory: int | None = None
    waiting: int = 4

    @property
    def processes(self) -> int:
        """Jobs of one core and the usual memory that run side by side, 1 or more."""
        if self.memory is None:
            return self.cores
        return max(1, min(self.cores, self.memory // PROCESS_BYTES))


@dataclass(frozen=True)
class Policy:
    """What is done about a job whose process failed it.

    What a job raised itself is final, unless it may pass by itself (`SourceUnavailableError`).

    Attributes:
        attempts: how often a job is begun at most. One that ran out of memory is begun again alone,
            after all others.
        pause_seconds: before the second attempt; twice as long before each further one.
        silent_seconds: a process that says nothing and takes no processor time for so long hangs,
            and is killed.
        over_memory: share of a job's expected memory beyond which it is killed, before it takes
            what others need; one with nobody beside it may hold what all may. None for never.
    """

    attempts: int = 3
    pause_seconds: float = 1.0
    silent_seconds: float = 300.0
    over_memory: float | None = 3.0


USUAL = Policy()
