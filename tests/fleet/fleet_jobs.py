"""Jobs for tests; a module that a spawned process can import."""

from __future__ import annotations

import ctypes
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from atb.errors import DataError, ResourceError, SourceUnavailableError, StoppedError
from atb.events import Noted
from atb.fleet import worker
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
    time.sleep(0.1)


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


def fail_when_asked_to_stop(listen):
    with Interruption() as wish:
        listen(Noted("at work"))
        while not wish.requested:
            time.sleep(0.01)
    unreachable()


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


def attempts_of(folder, name):
    """Which attempt of a job this is, from 1."""
    begun = Path(folder) / name
    begun.mkdir(exist_ok=True)
    number = len(list(begun.iterdir())) + 1
    (begun / str(number)).write_text(str(os.getpid()))
    return number


def fail_first(folder, name, how, listen):
    """Die in some way, the first time."""
    number = attempts_of(folder, name)
    if number == 1:
        FAILURES[how]()
    return number


def fail_always(folder, name, how, listen):
    attempts_of(folder, name)
    FAILURES[how]()


def unreachable():
    raise SourceUnavailableError("no network")


def raise_data_error():
    raise DataError("3 rows")


def refused_memory():
    raise MemoryError("Unable to allocate 9. GiB")


def kill():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def segfault():
    ctypes.string_at(0)


def hang():
    time.sleep(600)


def halt():
    """Be stopped as by SIGSTOP, so that not even a wish to stop is heard."""
    os.kill(os.getpid(), signal.SIGSTOP)


def hoard():
    hold_until("/nowhere", None)


def hold_until(path, listen):
    """Keep 200 MiB until a file is there."""
    held = bytearray(b"x" * (200 << 20))
    wait_for(path, listen)
    del held


FAILURES = {
    "data": raise_data_error,
    "unreachable": unreachable,
    "refused memory": refused_memory,
    "kill": kill,
    "segfault": segfault,
    "hang": hang,
    "halt": halt,
    "hoard": hoard,
}


def slow_and_silent(seconds, listen):
    """Work without a word."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def wait_for(path, listen):
    """Be there until a file is."""
    while not Path(path).exists():
        time.sleep(0.02)


def talk_now_and_then(seconds, listen):
    """Say something now and then, and do nothing else."""
    for _ in range(10):
        listen(Noted("still here"))
        time.sleep(seconds / 10)


def count_threads(listen):
    """The threads that numeric libraries take, which are loaded here first."""
    loaded = "numpy" in sys.modules
    numpy = importlib.import_module("numpy")
    numpy.ones((2, 2)) @ numpy.ones((2, 2))
    pools = importlib.import_module("threadpoolctl").threadpool_info()
    return loaded, {pool["num_threads"] for pool in pools}


def leave_a_child(folder, name, listen):
    """Begin a process of one's own and forget it."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (Path(folder) / f"{name}.pid").write_text(str(child.pid))
    FAILURES.get(name, int)()


def never_end(folder, listen):
    """Hear no wish to stop; with the parent dead, have a moment only."""
    worker.GRACE_SECONDS = 0.3
    ignore_wishes(folder, listen)


def kill_the_parent(folder, times, listen):
    """Kill the process that watches over this one, the first so many times."""
    number = attempts_of(folder, "killing")
    if number <= times:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    return number


def fail_telling(text, listen):
    listen(Noted(text))
    sys.stdout.write(f"{text}\n")
    logging.getLogger("atb").error("%s", text)
    raise ValueError(text)
