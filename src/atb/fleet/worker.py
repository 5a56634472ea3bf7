"""The life of a job's process: do the job, tell the parent, stop when asked or left alone.

Whatever it does not catch ends the process, and its parent reads the reason in the log.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from atb.errors import AtbError, StoppedError
from atb.fleet.job import Job

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """A job's last word when it succeeded."""

    value: Any


def work(job: Job, line: connection.Connection, log: Path, level: int) -> None:
    """Do a job; send its events and, last, `Done` or its `AtbError`.

    Args:
        job: what to do.
        line: the way to the parent.
        log: file that gets all the process says on stdout and stderr.
        level: from which log records are written there.
    """
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone, which asks its children once
    _say_into(log)
    logging.basicConfig(level=level, stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupted)
    threading.Thread(target=_stop_without_parent, daemon=True).start()
    send = _one_at_a_time(line.send)
    try:
        send(Done(job.function(**job.arguments, listen=send)))
    except AtbError as error:
        _LOG.info("raised here", exc_info=True)
        send(error)
    except KeyboardInterrupt:
        send(StoppedError("stopped"))


def _say_into(log: Path) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _stop_without_parent() -> None:
    """Ask this process to stop, as its parent would, once the parent is dead."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _one_at_a_time(send: Callable[[Any], None]) -> Callable[[Any], None]:
    """Messages of several threads, none within another."""
    lock = threading.Lock()

    def locked(message: Any) -> None:
        with lock:
            send(message)

    return locked
