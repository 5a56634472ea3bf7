"""Serving a model tells nobody: onnxruntime's reports are off before it is first imported."""

from __future__ import annotations

import os
import subprocess
import sys

SERVE = """
import sys
from pathlib import Path
from atb.runtime.predictor import Predictor
from atb.workspace import Workspace
from atb.registry import promotion

Predictor.of(promotion.promoted(Workspace(Path(sys.argv[1])), "BTCUSDT"))
"""


def test_opening_a_model_leaves_nothing_in_the_home_folder(
    registered, promote, workspace, tmp_path
):
    promote(registered())
    home = tmp_path / "home"
    home.mkdir()
    switches = ("CI", "ORT_DISABLE_TELEMETRY", "ORT_RUNNING_UNIT_TESTS", "XDG_CACHE_HOME")
    kept = {name: value for name, value in os.environ.items() if name not in switches}
    command = [sys.executable, "-c", SERVE, str(workspace.root)]
    subprocess.run(command, check=True, timeout=60, env={**kept, "HOME": str(home)})
    assert list(home.rglob("*")) == []  # an identity of this machine, and reports not yet sent
