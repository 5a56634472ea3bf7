"""The process on a worker's machine that has one job carried out by the local engine.

Workers of Dask are daemonic and may have no children by `multiprocessing`; this process stands
between. It says over a line what happens, and when the line ends it kills the job: whoever held the
other end is dead, and the job may have begun elsewhere already.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from multiprocessing import connection
from typing import NoReturn

from atb.fleet import scheduler
from atb.fleet.policy import Limits


def main(descriptor: int) -> None:
    """Receive a job, its folder of logs and a level of logging; send events and, last, `Outcome`.

    Args:
        descriptor: of the file that is this end of the line.
    """
    line = connection.Connection(descriptor)
    job, logs, level = line.recv()
    logging.basicConfig(level=level, stream=sys.stderr)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C of a terminal that all share
    signal.signal(signal.SIGTERM, _interrupted)
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    with contextlib.suppress(BrokenPipeError, KeyboardInterrupt):  # nobody is there to be told
        (outcome,) = scheduler.run([job], Limits(cores=1), logs, line.send)
        line.send(outcome)


def _interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _end_with(line: connection.Connection) -> None:
    """Once the line has ended, ask for a stop: that it cannot be told to anybody ends all."""
    with contextlib.suppress(EOFError, OSError):
        line.recv()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(int(sys.argv[1]))
