"""Cheap work for plans, importable here and in the processes spawned from here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest


@pytest.fixture
def plan_jobs(monkeypatch):
    """The module `plan_jobs`, its work in the place of what takes long."""
    main = sys.modules["__main__"]  # processes spawned from here need not import pytest first
    monkeypatch.setattr(main, "__spec__", None)
    monkeypatch.delattr(main, "__file__", raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    found = importlib.import_module("plan_jobs")
    with found.cheap():
        yield found
