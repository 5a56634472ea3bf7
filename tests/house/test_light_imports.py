"""Heavy libraries wait until they are needed: help is instant and serving needs no TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

TRAINING = {"tensorflow", "keras", "sklearn", "tf2onnx"}
TABLES = {"pandas", "pyarrow"}
REST = {"numpy", "pydantic", "rich", "requests", "yaml", "onnxruntime"}

HELP = "from atb_cli.main import main; assert main(['--help']) == 0"

CASES = {
    HELP: TRAINING | TABLES | REST,
    HELP.replace("--help", "train', 'model', '--help"): TRAINING | TABLES | REST,
    "import atb": TRAINING | TABLES | REST,
    "import atb.presets": TRAINING | TABLES,
    "import atb.monitor.drift": TRAINING | TABLES | REST - {"numpy"},
    "import atb.review": TRAINING | TABLES,
    "import atb.runtime.predictor": TRAINING | TABLES | {"pydantic", "rich", "requests"},
}


def loaded(statement):
    """Top-level packages in memory after a statement, in a fresh interpreter."""
    code = f"{statement}\nimport json, sys\nprint(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name.split(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("statement", CASES)
def test_nothing_heavy_is_loaded(statement):
    assert loaded(statement) & CASES[statement] == set()


def test_a_heavy_import_would_be_seen():
    assert "pydantic" in loaded("import atb.presets")
