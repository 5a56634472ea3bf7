"""A job for tests of engines with a shared place; a module that processes elsewhere can import."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
from engine_jobs import note

from atb.plans import done
from atb.registry import store
from atb.workspace import Workspace


def leave(artifacts, key, others, listen):
    """Leaves a model; the first time, waits for the death of its worker in the middle of it."""
    waiting = Path(others) / "waiting"
    if not waiting.exists():
        note(waiting, psutil.Process().parent().ppid())
        time.sleep(60)
    writers = {"root.txt": lambda path: path.write_text(str(artifacts))}
    version = store.add(Workspace(artifacts), "AAA", "fast", "20240101T000000Z-1", writers)
    record = done.of_model(version)
    done.write(Workspace(artifacts), key, record)
    return record
