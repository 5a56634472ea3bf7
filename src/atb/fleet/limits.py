"""What the machine can bear: how many jobs side by side, and how much memory they may hold.

Knows cores, memory and whether there is a GPU, not what the jobs are.
"""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path

from atb import backend, machine
from atb.events import Listener
from atb.extras import require
from atb.fleet import scheduler
from atb.fleet.job import Job
from atb.fleet.policy import Limits


def of_machine(at_once: int | None, logs: Path) -> Limits:
    """What all jobs together may use of this machine.

    Args:
        at_once: jobs with a core of their own side by side, however much memory they need; None
            for one a core as far as memory goes, or a single one where there is a GPU, whose
            memory comes back when the process ends.
        logs: folder for what failed processes said.

    Raises:
        AtbError: when it cannot be asked whether there is a GPU.
    """
    if at_once is not None:
        return Limits(at_once)
    found = machine.examine()
    return Limits(1 if _has_gpu(logs) else found.cores, found.available)


@cache  # it takes a process that reads TensorFlow
def _has_gpu(logs: Path) -> bool:
    if shutil.which("nvidia-smi") is None:
        return False
    (outcome,) = scheduler.run([Job("gpus", count_gpus)], Limits(1), logs)
    if outcome.error is not None:
        raise outcome.error
    return bool(outcome.value)


def count_gpus(listen: Listener) -> int:  # noqa: ARG001 (every job could report)
    """GPUs that TensorFlow sees; asked in a process of its own, which keeps no memory of theirs."""
    backend.prepare(seed=0)
    return len(require("tensorflow", extra="train").config.list_physical_devices("GPU"))
