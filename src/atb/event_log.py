"""What happened in a run, written down as it happens: a JSON object a line, in `events.jsonl`.

The first line, `Began`, says what is run and on what; each further one is an event of `atb.events`
by the name of its record, with its fields and its time in ms UTC. A run that is taken up again
goes on in the same file with another `Began`. Knows nothing of who reads it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atb import atomic
from atb.clock import now_ms
from atb.errors import IntegrityError
from atb.events import Event, Listener, Memory, Progress, Within, silent
from atb.redaction import redacted

NAME = "events.jsonl"
BEGAN = "Began"

_FLEETING = (Memory, Progress)  # for whoever watches; nobody asks for them afterwards


@dataclass
class EventLog:
    """A listener that writes events down, and passes them on.

    What happens before there is a file waits for it.

    Attributes:
        listen: told of every event, once it is written.
    """

    listen: Listener = silent
    _path: Path | None = None
    _waiting: list[bytes] = field(default_factory=list)

    def begin(self, path: Path, **facts: Any) -> None:
        """Write into a file from now on, after what an earlier process wrote there.

        Args:
            path: the file, made if there is none.
            facts: what is run and on what, ready for JSON: `run`, `config`, `environment`.

        Raises:
            StorageError: when the disk refuses.
        """
        atomic.drop_unended_line(path)
        atomic.append(path, _line(BEGAN, facts) + b"".join(self._waiting))
        self._path = path
        self._waiting.clear()

    def __call__(self, event: Event) -> None:
        """Write an event down, unless it is one that only shows how far something is.

        Raises:
            StorageError: when the disk refuses.
        """
        if not isinstance(_innermost(event), _FLEETING):
            line = _line(*_named(event))
            if self._path is None:
                self._waiting.append(line)
            else:
                atomic.append(self._path, line)
        self.listen(event)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The records of an event log, oldest first; one that is being written yet is left out.

    Raises:
        IntegrityError: when there is no such file, or a line is no record.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(f"it cannot be read ({error.strerror})", str(path)) from error
    for number, line in enumerate(content.split(b"\n")[:-1], 1):
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise _damaged(f"it is no JSON ({error})", f"{path}:{number}") from error
        if not isinstance(record, dict) or not {"time", "event"} <= record.keys():
            raise _damaged("it is no record of an event", f"{path}:{number}")
        yield record


def _damaged(what: str, where: str) -> IntegrityError:
    return IntegrityError(what, where=where, remedy="the models beside it are not touched by this")


def _innermost(event: Event) -> Event:
    return _innermost(event.event) if isinstance(event, Within) else event


def _named(event: Event) -> tuple[str, dict[str, Any]]:
    """An event's name and its fields; what happened within a job is a record itself."""
    if isinstance(event, Within):
        name, facts = _named(event.event)
        return "Within", {"job": event.job, "inner": {"event": name, **facts}}
    return type(event).__name__, dict(vars(event))


def _line(name: str, facts: Mapping[str, Any]) -> bytes:
    content = {"time": now_ms(), "event": name, **_plain(facts)}
    return json.dumps(content, allow_nan=False).encode() + b"\n"


def _plain(content: Any) -> Any:
    """As JSON can say it and anybody may read it: no secrets, null for what is not finite."""
    if isinstance(content, str):
        return redacted(content)
    if isinstance(content, float):
        return float(content) if math.isfinite(content) else None
    if isinstance(content, Mapping):
        return {str(key): _plain(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_plain(value) for value in content]
    return content
