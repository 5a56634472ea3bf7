"""Jobs for tests of engines; a module that processes elsewhere can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import psutil

from atb.errors import DataError, StoppedError
from atb.events import EpochEnded, Noted
from atb.interrupt import Interruption

EPOCH = EpochEnded(1, 3, 0.5, 0.6, True, 0.1, {"skill": 0.1})


def double(number, listen):
    listen(Noted(f"doubling {number}"))
    listen(EPOCH)
    return 2 * number


def refuse(listen):
    raise DataError("3 rows", where="book.csv", remedy="bring more")


def crash(listen):
    os._exit(3)


def process(listen):
    return os.getpid()


def note(path, content):
    part = Path(path).with_suffix(".part")
    part.write_text(str(content))
    part.rename(path)


def outlive(folder, listen):
    """Waits for the death of its worker the first time, deaf to wishes, and answers the second."""
    first = Path(folder) / "first"
    if first.exists():
        return "done by another worker"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    host = psutil.Process().parent()
    note(first, f"{os.getpid()} {host.ppid()}")
    time.sleep(60)
    return "its worker lived on"


def train(folder, name, listen):
    """Steps until it is asked to stop, then saves, as a training does."""
    with Interruption() as wish:
        note(Path(folder) / f"{name}.begun", os.getpid())
        while not wish.requested:
            time.sleep(0.01)
    (Path(folder) / f"{name}.saved").touch()
    raise StoppedError("stopped after epoch 3", remedy="go on with: atb")


def wait_for_go(folder, name, listen):
    """Be there until a file is."""
    note(Path(folder) / f"{name}.begun", os.getpid())
    while not (Path(folder) / "go").exists():
        time.sleep(0.02)
    return "gone"
