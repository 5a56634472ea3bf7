"""Jobs on a Dask cluster that runs already: `dask scheduler`, and `dask worker` on each machine.

Dask brings a job to a worker, and to another one when the connection to that is lost. What happens
in a job comes back over a topic of the scheduler, packed, so that the scheduler needs no atb.
"""

from __future__ import annotations

import contextlib
import queue
import uuid
from collections.abc import Iterator
from typing import Any

from atb.errors import AtbError, ResourceError, StoppedError, UsageError
from atb.events import Event, JobBegan
from atb.extras import require
from atb.fleet.engine import Engine
from atb.fleet.engines.remote import Message, Remote
from atb.fleet.engines.task import Errand, carry_out
from atb.fleet.job import Outcome

ANSWER_SECONDS = 10.0  # that a scheduler has to answer
EXTRA = "dask"


def connect(at_once: int | None, address: str | None) -> Engine:
    """An engine whose jobs the workers of a Dask scheduler carry out, one in each of their threads.

    Args:
        at_once: jobs given to the scheduler at most at any time; None for all that can begin.
        address: of the scheduler, such as `tcp://10.0.0.5:8786`.

    Raises:
        UsageError: when there is no address.
        ResourceError: when Dask is not installed, or no scheduler answers.
    """
    begin = "begin one with: dask scheduler; then on each machine: dask worker ADDRESS"
    if address is None:
        raise UsageError("no address of a Dask scheduler", where="--address", remedy=begin)
    distributed = require("distributed", extra=EXTRA)
    try:
        client = distributed.Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        what = f"no Dask scheduler answers ({error})"
        raise ResourceError(what, where=address, remedy=begin) from error
    return Remote("dask", _Cluster(client), at_once)


class _Cluster:
    """The workers of a scheduler.

    Args:
        client: connected to it.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._topic = f"atb-{uuid.uuid4().hex}"
        self._said: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._at_work: set[str] = set()
        self._stopping = False
        client.subscribe_topic(self._topic, self._take)

    def begin(self, ticket: str, errand: Errand) -> None:
        """As `Cluster` says; Dask calls the task by the ticket."""
        packed = _protocol().serialize_bytes(errand)  # the scheduler would open it
        future = self._client.submit(_work, packed, ticket, self._topic, key=ticket)
        self._futures[ticket] = future
        future.add_done_callback(lambda done: self._end(ticket, errand.job.name, done))

    def heard(self, seconds: float) -> Iterator[Message]:
        """As `Cluster` says."""
        with contextlib.suppress(queue.Empty):
            yield self._said.get(timeout=seconds)
            while True:
                yield self._said.get_nowait()

    def stop(self) -> None:
        """As `Cluster` says; a job at work sees that it is cancelled."""
        self._stopping = True
        self._client.cancel(list(self._futures.values()))

    def _take(self, event: tuple[float, dict[str, Any]]) -> None:
        """Something that was said on a worker; called by a thread of the client's."""
        ticket, said = event[1]["ticket"], event[1]["said"]
        if isinstance(said, JobBegan):
            self._at_work.add(ticket)
        self._said.put((ticket, said))

    def _end(self, ticket: str, name: str, future: Any) -> None:
        """A job's end as its future knows it; called by a thread of the client's."""
        if self._stopping and future.cancelled() and ticket in self._at_work:
            return  # it saves what it has, and its worker will say how it ended
        self._futures.pop(ticket, None)
        lost = future.cancelled() and not self._stopping
        self._said.put((ticket, _lost(name) if lost else _outcome(name, future)))


def _lost(name: str) -> Outcome:
    remedy = "begin one, and give the same command again"
    return Outcome(name, None, ResourceError("the scheduler is gone", remedy=remedy), 0.0)


def _outcome(name: str, future: Any) -> Outcome:
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    error: AtbError = StoppedError("stopped")
    if future.status == "error":
        error = ResourceError(
            f"no worker could do it ({future.exception()})",
            remedy="see what the workers say; they need this version of atb, and its libraries",
        )
    return Outcome(name, None, error, 0.0)


def _protocol() -> Any:
    return require("distributed", extra=EXTRA).protocol


def _work(packed: bytes, ticket: str, topic: str) -> Outcome:
    """What a worker does; its last word is said over the topic too, where it was cancelled."""
    line = _Line(ticket, topic)
    outcome = carry_out(_protocol().deserialize_bytes(packed), line)
    line.tell(outcome)
    return outcome


class _Line:
    """From a thread of a worker to whoever listens to the topic."""

    def __init__(self, ticket: str, topic: str) -> None:
        self._packed = _protocol().to_serialize
        self._worker = require("distributed", extra=EXTRA).get_worker()
        self._ticket, self._topic = ticket, topic

    def tell(self, said: Event | Outcome) -> None:
        """Say something of the job."""
        message = {"ticket": self._ticket, "said": self._packed(said)}
        self._worker.log_event(self._topic, message)

    def wanted(self) -> bool:
        """Whether the task is neither cancelled nor forgotten, as when its client is gone."""
        task = self._worker.state.tasks.get(self._ticket)
        return task is not None and task.state == "executing"
