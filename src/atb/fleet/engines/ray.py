"""Jobs on a Ray cluster, or on a Ray of this machine that ends with this process.

Ray brings a job to a worker, and to another one when that dies. What happens in a job comes back
through an actor, a mailbox.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from atb import machine
from atb.errors import AtbError, ResourceError
from atb.events import Event
from atb.extras import require
from atb.fleet.engine import Engine
from atb.fleet.engines.remote import Message, Remote
from atb.fleet.engines.task import Errand, carry_out
from atb.fleet.job import Outcome

ATTEMPTS_MORE = 3  # for a job whose worker died
EXTRA = "ray"


def connect(at_once: int | None, address: str | None) -> Engine:
    """An engine whose jobs Ray carries out, each on as many cores as it keeps busy.

    Args:
        at_once: jobs given to Ray at most at any time; None for all that can begin.
        address: of a cluster, such as `10.0.0.5:6379` or `auto`; None begins a Ray of this machine.

    Raises:
        ResourceError: when Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would call home
    ray = require("ray", extra=EXTRA)
    own = {} if address else {"num_cpus": machine.examine().cores, "include_dashboard": False}
    if not ray.is_initialized():
        try:
            ray.init(address or "local", log_to_driver=False, configure_logging=False, **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            what = f"no Ray answers ({error})"
            remedy = "begin one with: ray start --head; then on each machine: ray start --address"
            raise ResourceError(what, where=address or "", remedy=remedy) from error
    return Remote("ray", _Cluster(ray), at_once)


class _Cluster:
    """The nodes that Ray has.

    Args:
        ray: the library, connected.
    """

    def __init__(self, ray: Any) -> None:
        self._ray = ray
        lasting = {"num_cpus": 0, "max_restarts": -1, "max_task_retries": -1}  # its node may go
        self._mailbox = ray.remote(**lasting)(_Mailbox).remote()
        self._asked: dict[Any, tuple[str, str]] = {}

    def begin(self, ticket: str, errand: Errand) -> None:
        """As `Cluster` says."""
        job = errand.job
        options = {"name": job.name, "num_cpus": job.cores, "max_retries": ATTEMPTS_MORE}
        work = self._ray.remote(_work).options(**options)
        self._asked[work.remote(errand, ticket, self._mailbox)] = ticket, job.name

    def heard(self, seconds: float) -> Iterator[Message]:
        """As `Cluster` says."""
        over, _ = self._ray.wait(list(self._asked), num_returns=1, timeout=seconds)
        yield from self._answer(self._mailbox.take.remote())
        for reference in over:
            ticket, name = self._asked.pop(reference)
            yield ticket, self._outcome(name, reference)

    def stop(self) -> None:
        """As `Cluster` says; jobs that have not begun find it when they do."""
        self._answer(self._mailbox.stop.remote())

    def _answer(self, reference: Any) -> Any:
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            remedy = "begin one, and give the same command again"
            raise ResourceError(f"Ray is gone ({type(error).__name__})", remedy=remedy) from error

    def _outcome(self, name: str, reference: Any) -> Outcome:
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            said = str(error).strip().splitlines()[-1]
            problem: AtbError = ResourceError(
                f"no worker could do it ({type(error).__name__}: {said})",
                remedy="see what the workers say; they need this version of atb, and its libraries",
            )
            return Outcome(name, None, problem, 0.0)
        return outcome


class _Mailbox:
    """An actor: what workers said, until it is taken, and whether they are wanted."""

    def __init__(self) -> None:
        self._said: list[Message] = []
        self._wanted = True

    def say(self, ticket: str, event: Event) -> None:
        """Keep what was said of a job."""
        self._said.append((ticket, event))

    def take(self) -> list[Message]:
        """All that was said since the last time."""
        said, self._said = self._said, []
        return said

    def stop(self) -> None:
        """Want no job any more."""
        self._wanted = False

    def wanted(self) -> bool:
        """Whether jobs shall go on."""
        return self._wanted


def _work(errand: Errand, ticket: str, mailbox: Any) -> Outcome:
    """What a worker does."""
    return carry_out(errand, _Line(ticket, mailbox))


class _Line:
    """From a worker to the mailbox; without it nobody waits."""

    def __init__(self, ticket: str, mailbox: Any) -> None:
        self._ticket, self._mailbox = ticket, mailbox
        self._ray = require("ray", extra=EXTRA)

    def tell(self, event: Event) -> None:
        """Say something of the job."""
        with contextlib.suppress(self._ray.exceptions.RayError):
            self._ray.get(self._mailbox.say.remote(self._ticket, event))

    def wanted(self) -> bool:
        """Whether jobs shall go on."""
        try:
            return bool(self._ray.get(self._mailbox.wanted.remote()))
        except self._ray.exceptions.RayError:
            return False
