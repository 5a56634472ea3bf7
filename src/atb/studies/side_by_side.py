"""The jobs of a study, as many at once as the machine bears; what is done stays done.

Knows studies and jobs, not what the jobs do.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from atb import backend, machine
from atb.errors import AtbError, StoppedError
from atb.events import Listener
from atb.extras import require
from atb.fleet import scheduler
from atb.fleet.job import Job
from atb.studies.study import Study

PROCESS_BYTES = 3 << 29  # 1.5 GiB: TensorFlow with a small network and its windows


def carry_out(
    study: Study, jobs: Sequence[Job], at_once: int | None, listen: Listener
) -> dict[str, AtbError]:
    """Do all jobs of a study; why some of them failed, by the job's name.

    Args:
        study: whose jobs they are.
        jobs: each with a name of its own.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        listen: told of what happens in each of them.

    Raises:
        StoppedError: when a signal stopped it; the same command goes on.
    """
    if not jobs:
        return {}
    outcomes = scheduler.run(jobs, at_once or processes(study.logs), study.logs, listen)
    if any(isinstance(outcome.error, StoppedError) for outcome in outcomes):
        done = len(study.members) - len(study.missing())
        raise StoppedError(
            f"stopped: {done} of {len(study.members)} are done",
            where=study.name,
            remedy="the same command goes on where it stopped",
        )
    return {one.name: one.error for one in outcomes if one.error is not None}


def processes(logs: Path) -> int:
    """How many side by side: one for each core, as far as memory goes.

    A single one where there is a GPU, whose memory comes back when the process ends.
    """
    if shutil.which("nvidia-smi") is not None:
        (outcome,) = scheduler.run([Job("gpus", count_gpus)], 1, logs)
        if outcome.error is not None:
            raise outcome.error
        if outcome.value:
            return 1
    found = machine.examine()
    fit = found.cores if found.available is None else found.available // PROCESS_BYTES
    return max(1, min(found.cores, fit))


def count_gpus(listen: Listener) -> int:  # noqa: ARG001 (every job could report)
    """GPUs that TensorFlow sees; asked in a process of its own, which keeps no memory of theirs."""
    backend.prepare(seed=0)
    return len(require("tensorflow", extra="train").config.list_physical_devices("GPU"))
