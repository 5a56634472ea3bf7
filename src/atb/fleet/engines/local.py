"""Jobs in processes of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from atb.errors import UsageError
from atb.events import Listener
from atb.fleet import limits, scheduler
from atb.fleet.engine import Engine
from atb.fleet.job import Job, Outcome


def connect(at_once: int | None, address: str | None) -> Engine:
    """An engine that fills this machine.

    Args:
        at_once: processes side by side; None for what the machine bears.
        address: None; there is nothing to connect to.

    Raises:
        UsageError: when an address is given.
    """
    if address is not None:
        raise UsageError(
            f"the local engine has no address, so {address!r} cannot be meant",
            where="--address",
            remedy="leave it out, or name another --engine",
        )
    return Local(at_once)


class Local:
    """Carries out jobs in processes of this machine.

    Args:
        at_once: processes side by side; None for what the machine bears.
    """

    name = "local"

    def __init__(self, at_once: int | None = None) -> None:
        self.at_once = at_once

    def run(self, jobs: Sequence[Job], logs: Path, listen: Listener) -> list[Outcome]:
        """Do all jobs, as `atb.fleet.engine` says."""
        return scheduler.run(jobs, limits.of_machine(self.at_once, logs), logs, listen)
