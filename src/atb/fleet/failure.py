"""How an attempt at a job can fail, in words, and whether it is worth another one.

Knows no process, only what is left of one.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from atb.errors import AtbError, ResourceError, SourceUnavailableError, StoppedError

GIB = 1 << 30


class Again(Enum):
    """Whether a job is begun again after an attempt failed."""

    NO = "no"
    YES = "yes"
    ALONE = "alone"


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed, and whether another one may not."""

    error: AtbError
    again: Again


def raised(error: AtbError) -> Failure:
    """The job said itself why; only a source may be there the next time."""
    passing = isinstance(error, SourceUnavailableError)
    return Failure(error, Again.YES if passing else Again.NO)


def starved(said: str) -> Failure:
    """The job was refused memory."""
    what = f"memory ran out{': ' if said else ''}{said}"
    return Failure(ResourceError(what, remedy="run fewer at once"), Again.ALONE)


def greedy(held: int, allowed: float) -> Failure:
    """It was killed for holding so many bytes."""
    what = f"it held {held / GIB:.2f} GiB of memory where {allowed / GIB:.2f} GiB were allowed"
    return Failure(
        ResourceError(f"{what}, and was killed", remedy="run fewer at once"), Again.ALONE
    )


def hung(seconds: float) -> Failure:
    """It was killed for doing nothing so long."""
    what = f"it said nothing and took no processor time for {seconds:.0f} s, and was killed"
    return Failure(AtbError(what), Again.YES)


def died(code: int, log: Path, *, asked: bool) -> Failure:
    """Its process ended without a last word.

    Args:
        code: its exit code, negative for a signal.
        log: what it said on stderr.
        asked: whether it was asked to stop.
    """
    if asked or code == -signal.SIGTERM:
        return Failure(StoppedError("stopped"), Again.NO)
    if code == -signal.SIGKILL:
        what = "its process was killed (SIGKILL), as the system does when memory runs out"
        return Failure(ResourceError(what, remedy="run fewer at once"), Again.ALONE)
    if code < 0:
        what = f"its process crashed ({signal.Signals(-code).name})"
        return Failure(AtbError(what, where=str(log)), Again.YES)
    said = log.read_text(errors="replace").splitlines() if log.exists() else []
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    what = f"its process died (exit code {code}){': ' if last else ''}{last}"
    return Failure(AtbError(what, where=str(log) if last else ""), Again.NO)
