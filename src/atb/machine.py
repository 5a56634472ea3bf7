"""The machine a process runs on: processor cores and memory, as the operating system tells them.

Knows no GPU and no library.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

MEMINFO = Path("/proc/meminfo")
CONTROL_GROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Machine:
    """What this process may use.

    Attributes:
        cores: processor cores.
        memory: bytes in all; None where the system does not tell.
        available: bytes that can be had without swapping; None likewise.
    """

    cores: int
    memory: int | None
    available: int | None


def examine(meminfo: Path = MEMINFO, group: Path = CONTROL_GROUP) -> Machine:
    """The machine, or the part of it a container leaves this process.

    Args:
        meminfo: Linux's account of its memory.
        group: Linux's account of this process's container, version 2.
    """
    facts = _meminfo(meminfo)
    limit, used = _number(group / "memory.max"), _number(group / "memory.current")
    memory, available = facts.get("MemTotal", _total()), facts.get("MemAvailable", _total())
    left = None if limit is None or used is None else max(limit - used, 0)
    return Machine(_cores(), _least(memory, limit), _least(available, left))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _meminfo(path: Path) -> dict[str, int]:
    """Bytes by name; empty where there is no such file."""
    if not path.is_file():
        return {}
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if len(row) == 3}


def _number(path: Path) -> int | None:
    """The number a file holds; None for no file, or the word "max"."""
    if not path.is_file():
        return None
    text = path.read_text().strip()
    return int(text) if text.isdigit() else None


def _total() -> int | None:
    """Bytes of physical memory on systems without /proc."""
    if "SC_PHYS_PAGES" not in getattr(os, "sysconf_names", {}):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _least(*sizes: int | None) -> int | None:
    return min((size for size in sizes if size is not None), default=None)
