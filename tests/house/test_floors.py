"""A room imports only from lower floors, as the contracts in pyproject.toml say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

LINT = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"


def lint(checkout):
    path = os.pathsep.join(str(checkout / part) for part in ("src", "cli"))
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def copy(root, tmp_path):
    """A copy of the sources, to plant violations in."""
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("src", "cli"):
        shutil.copytree(root / part, tmp_path / part, ignore=ignore)
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_floors_hold(root):
    result = lint(root)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("place", "statement", "contract"),
    [
        ("src/atb/clock.py", "import atb.presets", "A room imports only from lower floors"),
        ("src/atb/presets.py", "import keras", "TensorFlow and Keras stay where networks are"),
        ("src/atb/presets.py", "import pandas", "pandas and pyarrow stay at the edges"),
        ("src/atb/errors.py", "import click", "The library never imports click or rich"),
    ],
)
def test_a_planted_violation_is_found(copy, place, statement, contract):
    file = copy / place
    file.write_text(f"{file.read_text()}\n{statement}\n")
    result = lint(copy)
    assert result.returncode == 1
    assert f"{contract} BROKEN" in result.stdout
