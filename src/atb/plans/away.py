"""Jobs of a plan on machines that share a place instead of the folder of artifacts.

What jobs read is sent there, what they made is brought back and checked as soon as they end. What
moves the one pointer to the model that runs stays here. Knows jobs, not who carries them out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from atb.config.training import TrainingConfig
from atb.errors import AtbError, StoppedError, UsageError
from atb.events import Event, JobEnded, Listener
from atb.fleet.engine import Engine
from atb.fleet.engines import local, names
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import Limits
from atb.fleet.queue import Queue
from atb.plans import done, guest, judgements
from atb.plans.share import Share
from atb.registry import store
from atb.workspace import Workspace

STAYING: frozenset[Callable[..., Any]] = frozenset({judgements.promote})


def connect(
    name: str, at_once: int | None, address: str | None, share: str, artifacts: Path
) -> Engine:
    """The engine of a name, whose workers see a shared place instead of the artifacts.

    Args:
        name: of the engine.
        at_once: jobs side by side at most; None for as many as the engine has room for.
        address: of an engine that runs already.
        share: URL or folder of that place.
        artifacts: root folder of everything written here.

    Raises:
        UsageError: when they do not go together.
        ResourceError: when a library is not installed, or nobody answers.
    """
    if name == local.Local.name:
        raise UsageError(
            f"the local engine works in {artifacts} itself, so {share!r} cannot be meant",
            where="--share",
            remedy="leave it out, or name another --engine",
        )
    place = Share.at(share)
    if Path(place.url) == artifacts.absolute():
        raise UsageError(
            "these are the artifacts themselves",
            where=f"--share {share}",
            remedy="leave it out: they are shared unless another place is named",
        )
    return Away(names.engine(name, at_once, address), place, Workspace(artifacts.absolute()))


class Away:
    """Carries out jobs of a plan by an engine whose workers see a shared place alone.

    Args:
        engine: of these workers.
        share: what they see.
        workspace: where everything is written in the end.
    """

    def __init__(self, engine: Engine, share: Share, workspace: Workspace) -> None:
        self.name = engine.name
        self._engine, self._share, self._workspace = engine, share, workspace

    def run(self, jobs: Sequence[Job], logs: Path, listen: Listener) -> list[Outcome]:
        """Do all jobs, as `atb.fleet.engine` says; logs of failed ones stay where they failed.

        Raises:
            StorageError: when the shared place refuses what jobs read.
            IntegrityError: when that is not as it was written.
        """
        stay = _staying(jobs)
        going = [job for job in jobs if job.name not in stay]
        self._send_what_is_read(going)
        packed = [self._packed(job) for job in going]
        back = _Back(self._share, self._workspace, listen, _keys(jobs))
        found = self._engine.run(packed, guest.logs(), back) if packed else []
        outcomes = {one.name: back.checked(one) for one in found}
        here, lost = _left(jobs, outcomes, stay)
        for outcome in lost:
            listen(JobEnded(outcome.name, 0.0, str(outcome.error)))
        last = local.connect(None, None).run(here, logs, listen) if here else []
        outcomes |= {one.name: one for one in (*lost, *last)}
        return [outcomes[job.name] for job in jobs]

    def _send_what_is_read(self, jobs: Sequence[Job]) -> None:
        """Send the rows of jobs, each once, and the models that none of them makes."""
        given = [job.arguments for job in jobs]
        for sha256 in {one for each in given for one in guest.rows_read(each)}:
            self._share.send_rows(self._workspace, sha256)
        for key in {one for each in given for one in guest.models_read(each)}:
            if done.read(self._workspace, key) is not None:
                self._share.send_done(self._workspace, key)

    def _packed(self, job: Job) -> Job:
        """The job as a worker does it."""
        arguments = dict(job.arguments)
        if "config" in arguments:
            arguments["config"] = self._with_parent_sent(arguments["config"])
        packed = {"share": self._share, "function": job.function, "arguments": arguments}
        return replace(job, function=guest.carry_out, arguments=packed)

    def _with_parent_sent(self, config: TrainingConfig) -> TrainingConfig:
        """A recipe that names the model it begins with as the workers will."""
        if config.warm_start is None:
            return config
        parent = store.find(self._workspace, config.warm_start)
        self._share.send_model(parent)
        return config.model_copy(update={"warm_start": parent.reference})


@dataclass
class _Back:
    """A listener that brings back what a job made, before it says that the job has ended.

    Attributes:
        share, workspace: from where and whereto.
        listen: told of every event.
        keys: of what jobs make, by name.
        records: what was brought, by the job's name.
        failures: why it was not, by the job's name.
    """

    share: Share
    workspace: Workspace
    listen: Listener
    keys: Mapping[str, str]
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, AtbError] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        """Bring what a job made that ended well, and pass the event on."""
        if isinstance(event, JobEnded) and not event.problem:
            try:
                made = self.share.bring_done(self.workspace, self.keys[event.job])
                self.records[event.job] = made
            except AtbError as error:
                self.failures[event.job] = error
                event = replace(event, problem=str(error))
        self.listen(event)

    def checked(self, outcome: Outcome) -> Outcome:
        """How a job ended for those who wait here for what it made."""
        error = self.failures.get(outcome.name, outcome.error)
        return replace(outcome, value=self.records.get(outcome.name), error=error)


def _keys(jobs: Sequence[Job]) -> dict[str, str]:
    return {job.name: job.arguments["key"] for job in jobs}


def _staying(jobs: Sequence[Job]) -> set[str]:
    """Names of jobs that stay here, and of those that need them."""
    found = {job.name for job in jobs if job.function in STAYING}
    while more := {job.name for job in jobs if not found.isdisjoint(job.needs)} - found:
        found |= more
    return found


def _left(
    jobs: Sequence[Job], outcomes: Mapping[str, Outcome], stay: set[str]
) -> tuple[list[Job], list[Outcome]]:
    """Of those that stay: which can be done now, and how the others ended without having begun."""
    queue = Queue(jobs, Limits(cores=1))
    lost = {
        task.job.name: task.outcome(None, error)
        for one in outcomes.values()
        if one.error is not None
        for task, error in queue.failed(one.name, one.error)
        if task.job.name in stay
    }
    here = [
        replace(job, needs=tuple(need for need in job.needs if need in stay))
        for job in jobs
        if job.name in stay - lost.keys()
    ]
    if any(isinstance(one.error, StoppedError) for one in outcomes.values()):
        error = StoppedError("stopped before it began")
        return [], [*lost.values(), *(Outcome(job.name, None, error, 0.0, 0) for job in here)]
    return here, list(lost.values())
