"""The jobs of a study, as many at once as the machine bears; what is done stays done.

Knows studies and jobs, not what the jobs do.
"""

from __future__ import annotations

from collections.abc import Sequence

from atb.environment import record
from atb.errors import AtbError, StoppedError
from atb.event_log import NAME, EventLog
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

    What happens in them is written into the study's folder, too.

    Args:
        study: whose jobs they are.
        jobs: each with a name of its own.
        at_once: processes side by side; None for one a core, or one where there is a GPU.
        listen: told of what happens in each of them.
        engine: that carries them out; None for this machine.

    Raises:
        StoppedError: when a signal stopped it; the same command goes on.
        StorageError: when the disk refuses.
    """
    if not jobs:
        return {}
    log = EventLog(listen)
    recipes = {name: config.model_dump(mode="json") for name, config in study.members.items()}
    log.begin(study.path / NAME, study=study.name, recipes=recipes, environment=record())
    outcomes = (engine or Local(at_once)).run(jobs, study.logs, log)
    if any(isinstance(outcome.error, StoppedError) for outcome in outcomes):
        done = len(study.members) - len(study.missing())
        raise StoppedError(
            f"stopped: {done} of {len(study.members)} are done",
            where=study.name,
            remedy="the same command goes on where it stopped",
        )
    return {one.name: one.error for one in outcomes if one.error is not None}
