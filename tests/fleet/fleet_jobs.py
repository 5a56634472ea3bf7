"""Jobs for tests; a module that a spawned process can import."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from atb.errors import DataError, ResourceError, StoppedError
from atb.events import Noted
from atb.interrupt import Interruption


def double(number, listen):
    listen(Noted(f"doubling {number}"))
    return 2 * number


def refuse(listen):
    raise DataError("3 rows", where="book.csv", remedy="bring more")


def out_of_memory(listen):
    raise ResourceError("memory does not suffice", remedy="give a smaller --batch-size")


def bug(listen):
    raise KeyError("nothing of that name")


def vanish(code, listen):
    os._exit(code)


def die(number, listen):
    os.kill(os.getpid(), number)
    time.sleep(60)


def die_talking(listen):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGKILL)).start()
    while True:
        listen(Noted("x" * 100_000))


def note_start(folder, name, listen):
    (Path(folder) / f"{time.monotonic():.6f}-{name}").touch()
    time.sleep(0.3)


def note_process(folder, name):
    """A file with the number of this process, there once it is whole."""
    part = Path(folder) / f"{name}.part"
    part.write_text(str(os.getpid()))
    part.rename(part.with_suffix(".pid"))


def train(folder, name, listen):
    """Steps until it is asked to stop, then saves, as a training does."""
    with Interruption() as wish:
        note_process(folder, name)
        listen(Noted(f"{name} at work"))
        while not wish.requested:
            time.sleep(0.01)
    (Path(folder) / f"{name}.saved").touch()
    raise StoppedError("stopped after epoch 3", remedy="go on with: atb")


def ignore_wishes(folder, listen):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    note_process(folder, "deaf")
    time.sleep(60)


def talk(lines, listen):
    threads = [
        threading.Thread(target=lambda: [listen(Noted("word" * 1000)) for _ in range(lines)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def pollute(listen):
    sys.stdout.write("to stdout\n")
    sys.stderr.write("to stderr\n")
    raise SystemExit(3)
