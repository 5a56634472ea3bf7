"""A job and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atb.errors import AtbError


@dataclass(frozen=True)
class Job:
    """Something to be done in a process of its own.

    Attributes:
        name: unique among the jobs of one fleet; names its log file.
        function: importable by name; called with the arguments and `listen`, a listener of
            `atb.events`.
        arguments: by name; they and what the function returns must survive the way between
            processes, as plain values and frozen records do.
    """

    name: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        name: the job's.
        value: what it returned; None where it failed.
        error: why it failed: what it raised, how its process died, or that it was stopped.
        seconds: from the start of its process to its end.
    """

    name: str
    value: Any
    error: AtbError | None
    seconds: float
