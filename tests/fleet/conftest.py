"""The jobs of these tests, importable here and in the processes spawned from here."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def jobs(monkeypatch):
    """The module `fleet_jobs`; processes spawned from here need not import pytest first."""
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__spec__", None)
    monkeypatch.delattr(main, "__file__", raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("fleet_jobs")


@pytest.fixture
def alive() -> Callable[[str | int], bool]:
    """Whether a process is there and no zombie, by its number."""

    def there(pid):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return False
        return state != "Z"

    return there


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits for a condition, so many seconds at most."""

    def wait(condition, seconds=30.0):
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)

    return wait
