"""A job, what it may use, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atb.errors import AtbError

PROCESS_BYTES = 3 << 29  # 1.5 GiB: TensorFlow with a small network and its windows


@dataclass(frozen=True)
class Job:
    """Something to be done in a process of its own.

    Attributes:
        name: unique among the jobs of one fleet; names its log file.
        function: importable by name; called with the arguments and `listen`, a listener of
            `atb.events`.
        arguments: by name; they and what the function returns must survive the way between
            processes, as plain values and frozen records do.
        needs: names of jobs that must have ended well before it begins; it is not begun, and says
            so, when one of them has not.
        cores: processor cores it keeps busy; 0 for one that waits for a network, as downloads do.
            Those begin before all others.
        memory: bytes it is expected to hold at most.
    """

    name: str
    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    cores: int = 1
    memory: int = PROCESS_BYTES


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        name: the job's.
        value: what it returned; None where it failed.
        error: why it failed: what it raised, how its process died, or that it was stopped.
        seconds: of wall time at work, all attempts together.
        attempts: how often it was begun.
        memory: bytes it was seen to hold at most, 0 where nobody looked.
    """

    name: str
    value: Any
    error: AtbError | None
    seconds: float
    attempts: int = 1
    memory: int = 0
