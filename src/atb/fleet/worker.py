"""The life of a job's process: do the job, tell the parent, stop when asked or left alone.

Whatever it does not catch ends the process, and its parent reads the reason in the log.
"""

from __future__ import annotations

import faulthandler
import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from typing import Any

from atb import redaction
from atb.errors import AtbError, StoppedError
from atb.fleet.job import Job

GRACE_SECONDS = 60.0  # for what is under way once the parent is dead
# Of OpenMP (scikit-learn, pyarrow), OpenBLAS, MKL and Accelerate (numpy), read when they are loaded
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """A job's last word when it succeeded."""

    value: Any


@dataclass(frozen=True)
class Starved:
    """A job's last word when it was refused memory, with what Python said."""

    said: str


def work(line: connection.Connection, log: Path, level: int, cores: int) -> None:
    """Do the job that comes first; send its events and, last, `Done`, `Starved` or its `AtbError`.

    The job comes by the line, so that its libraries are loaded when their threads are set.

    Args:
        line: to the parent and back.
        log: file that gets all the process says on stdout and stderr.
        level: from which log records are written there.
        cores: processor cores it may keep busy.
    """
    _leave_terminal()
    _say_into(log)
    logging.basicConfig(level=level, stream=sys.stderr)
    signal.signal(signal.SIGTERM, _interrupted)
    threading.Thread(target=_stop_without_parent, daemon=True).start()
    os.environ.update(dict.fromkeys(THREADS, str(max(1, cores))))
    send = _one_at_a_time(line.send)
    try:
        job: Job = line.recv()
        send(Done(job.function(**job.arguments, listen=send)))
    except AtbError as error:
        _LOG.info("raised here", exc_info=True)
        send(error)
    except MemoryError as error:
        _LOG.info("raised here", exc_info=True)
        send(Starved(str(error)))
    except KeyboardInterrupt:
        send(StoppedError("stopped"))


def _leave_terminal() -> None:
    """From here Ctrl-C reaches the parent alone, which asks its children once."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # what came before was the parent's, too
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _say_into(log: Path) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.dup2(target, 1)
    os.dup2(target, 2)
    os.close(target)
    sys.stdout, sys.stderr = (
        redaction.Stream(os.fdopen(number, "wb", 0, closefd=False), write_through=True)
        for number in (1, 2)
    )
    faulthandler.enable()  # where native code crashes


def _interrupted(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _stop_without_parent() -> None:
    """Ask this process to stop, as its parent would, once the parent is dead; later, insist."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    connection.wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.killpg(os.getpid(), signal.SIGKILL)


def _one_at_a_time(send: Callable[[Any], None]) -> Callable[[Any], None]:
    """Messages of several threads, none within another; to a dead parent, none."""
    lock = threading.Lock()

    def locked(message: Any) -> None:
        with lock, suppress(BrokenPipeError, ConnectionResetError):
            send(message)

    return locked
