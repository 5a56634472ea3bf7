"""The jobs of these tests, importable here and in the processes spawned from here."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest


@pytest.fixture
def jobs(monkeypatch):
    """The module `fleet_jobs`."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("fleet_jobs")
