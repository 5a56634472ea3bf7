"""What processes use, asked of the operating system.

Knows numbers of processes, not what they do.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from atb.extras import require


@dataclass(frozen=True)
class Usage:
    """What the processes of a group use together.

    Attributes:
        seconds: of processor time so far.
        memory: bytes they hold.
    """

    seconds: float = 0.0
    memory: int = 0


def by_group() -> dict[int, Usage]:
    """What the descendants of this process use, by the process that leads their group.

    Raises:
        ResourceError: when psutil is not installed.
    """
    psutil = require("psutil", extra="train")
    groups: dict[int, Usage] = {}
    for process in psutil.Process().children(recursive=True):
        found = _of(process, psutil.Error)
        if found is not None:
            group, usage = found
            so_far = groups.get(group, Usage())
            groups[group] = Usage(so_far.seconds + usage.seconds, so_far.memory + usage.memory)
    return groups


def _of(process: Any, gone: type[Exception]) -> tuple[int, Usage] | None:
    """The group and the usage of one process; None when it has ended meanwhile."""
    try:
        with process.oneshot():
            times = process.cpu_times()
            usage = Usage(times.user + times.system, process.memory_info().rss)
        group = os.getpgid(process.pid)
    except (gone, ProcessLookupError):
        return None
    own = group == os.getpgrp()  # it has only begun, and leads no group yet
    return process.pid if own else group, usage
