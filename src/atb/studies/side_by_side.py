"""The jobs of a study, as many at once as the machine bears; what is done stays done.

Knows studies and jobs, not what the jobs do.
"""

from __future__ import annotations

from collections.abc import Sequence

from atb.errors import AtbError, StoppedError
from atb.events import Listener
from atb.fleet.engine import Engine
from atb.fleet.engines.local import Local
from atb.fleet.job import Job
from atb.studies.study import Study


def carry_out(
    study: Study,
    jobs: Sequence[Job],
    at_once: int | None,
    listen: Listener,
    engine: Engine | None = None,
) -> dict[str, AtbError]:
    """Do all jobs of a study; why some of them failed, by the job's name.

    Args:
        study: whose jobs they are.
        jobs: each with a name of its own.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        listen: told of what happens in each of them.
        engine: that carries them out; None for this machine.

    Raises:
        StoppedError: when a signal stopped it; the same command goes on.
    """
    if not jobs:
        return {}
    outcomes = (engine or Local(at_once)).run(jobs, study.logs, listen)
    if any(isinstance(outcome.error, StoppedError) for outcome in outcomes):
        done = len(study.members) - len(study.missing())
        raise StoppedError(
            f"stopped: {done} of {len(study.members)} are done",
            where=study.name,
            remedy="the same command goes on where it stopped",
        )
    return {one.name: one.error for one in outcomes if one.error is not None}
