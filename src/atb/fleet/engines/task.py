"""What a worker of an engine does with a job: hand it to a host, pass on what that says.

Knows no engine: how words come back to whoever asked is a `Line`.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Protocol

from atb import __version__
from atb.errors import ConfigError, ResourceError, StoppedError
from atb.events import Event, JobBegan, JobRetried, Within
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import USUAL

LOOK_UP_SECONDS = 0.5  # how soon a wish to stop is passed on


class Line(Protocol):
    """The way from a worker back to whoever asked for the job."""

    def tell(self, event: Event) -> None:
        """Pass on an event."""

    def wanted(self) -> bool:
        """Whether somebody still waits for the job."""


@dataclass(frozen=True)
class Errand:
    """A job on its way to a worker.

    Attributes:
        job: what to do.
        logs: folder for what a failed process said, on the worker's machine.
        folder: where whoever asked works; the job works there too if the worker has such a folder,
            so that relative paths mean the same.
        version: of atb there; another one would make another model.
    """

    job: Job
    logs: Path
    folder: Path
    version: str = __version__


def carry_out(errand: Errand, line: Line) -> Outcome:
    """Do a job in a process of its own, by the local engine of this machine.

    Args:
        errand: what to do, and where.
        line: told of `JobBegan`, `Within` and `JobRetried`; when it is wanted no more, the job is
            asked to stop.
    """
    name = errand.job.name
    if errand.version != __version__:
        return Outcome(name, None, _other_version(errand.version), 0.0)
    began = time.monotonic()
    for _ in range(USUAL.attempts):
        if not line.wanted():
            return Outcome(name, None, StoppedError("stopped before it began"), 0.0)
        with suppress(EOFError, OSError):  # its host died, and so the job stops by itself
            return _hosted(errand, line)
    problem = ResourceError(
        f"the process that watched over it died on {os.uname().nodename}",
        remedy="see what the worker says",
    )
    return Outcome(name, None, problem, time.monotonic() - began, USUAL.attempts)


def _hosted(errand: Errand, line: Line) -> Outcome:
    near, far = multiprocessing.Pipe()
    with _host(far, errand.folder) as process, near:  # the line ends before its host is awaited
        job = replace(errand.job, needs=())  # whoever asked has seen to those
        near.send((job, errand.logs, logging.getLogger("atb").getEffectiveLevel()))
        return _passed_on(near, process, line)


def _host(far: Connection, folder: Path) -> subprocess.Popen[bytes]:
    """A host at the far end of a line; it finds modules where this process does."""
    paths = os.pathsep.join(path for path in sys.path if path)
    with far:
        return subprocess.Popen(  # noqa: S603 (this interpreter and a module of ours)
            [sys.executable, "-P", "-m", "atb.fleet.engines.host", str(far.fileno())],
            pass_fds=(far.fileno(),),
            stdin=subprocess.DEVNULL,
            cwd=folder if folder.is_dir() else None,
            env={**os.environ, "PYTHONPATH": paths},
        )


def _passed_on(near: Connection, process: subprocess.Popen[bytes], line: Line) -> Outcome:
    """What the host says, until its last word."""
    asked = False
    while True:
        if not asked and not line.wanted():
            asked = True
            process.terminate()
        message = near.recv() if near.poll(LOOK_UP_SECONDS) else None
        if isinstance(message, Outcome):
            return message
        if isinstance(message, JobBegan | JobRetried | Within):  # the rest is of all jobs together
            line.tell(message)


def _other_version(version: str) -> ConfigError:
    return ConfigError(
        f"atb {__version__} works on {os.uname().nodename}, and {version} asked it to",
        remedy="install the same version everywhere",
    )
