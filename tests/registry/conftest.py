"""A small model folder, and scripts run in processes of their own."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from atb.registry import store
from atb.registry.version import Version
from atb.workspace import Workspace

STAMP = "20240131T120000Z"
CONTENTS = {
    "config.json": b'{"symbol": "BTCUSDT"}\n',
    "history.csv": b"epoch,loss\n1,0.5\n",
    "model.onnx": random.Random(1).randbytes(3000),
    "model.keras": random.Random(2).randbytes(3000),
}


def writers() -> dict[str, Callable[[Path], None]]:
    return {name: lambda path, c=c: path.write_bytes(c) and None for name, c in CONTENTS.items()}


@pytest.fixture(name="writers")
def _writers() -> dict[str, Callable[[Path], None]]:
    return writers()


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "artifacts")


@pytest.fixture
def model(workspace: Workspace) -> Version:
    return store.add(workspace, "BTCUSDT", "fast", STAMP, writers())


@pytest.fixture(scope="session")
def start() -> Callable[..., subprocess.Popen[str]]:
    """`start(script, *words)`: a script in a fresh interpreter."""

    def start(script: str, *words: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)

    return start
