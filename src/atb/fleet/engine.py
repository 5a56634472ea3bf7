"""The contract between those who have jobs and whoever carries them out, here or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from atb.events import Listener
from atb.fleet.job import Job, Outcome


class Engine(Protocol):
    """Carries out jobs.

    Attributes:
        name: local, dask or ray.
    """

    name: str

    def run(self, jobs: Sequence[Job], logs: Path, listen: Listener) -> list[Outcome]:
        """Do all jobs; one that fails or dies takes no other with it.

        Args:
            jobs: each with a name of its own.
            logs: folder for what failed processes said.
            listen: told of `JobBegan`, `Within`, `JobRetried`, `JobEnded`, and `Progress("jobs")`.

        Returns:
            The outcomes in the order of the jobs.
        """
        ...
