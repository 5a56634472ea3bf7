"""The wheel holds the package, the shell and the presets, and works by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

SUFFIXES = {".py", ".yaml", ".typed"}


def run(words, folder, **environment):
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(["-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], root)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_the_sources_and_nothing_else(wheel, root):
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    homes = {"src/atb": "atb", "cli/atb_cli": "atb_cli", "presets": "atb/_presets"}
    sources = {
        f"{home}/{path.relative_to(root / place).as_posix()}"
        for place, home in homes.items()
        for path in (root / place).rglob("*")
        if path.suffix in SUFFIXES
    }
    assert names == sources


def test_it_lists_its_own_presets(wheel, root, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from atb_cli.main import main; main(['presets', 'list', '--json'])"
    answer = json.loads(run(["-c", code], tmp_path, PYTHONPATH=str(tmp_path)))
    listed = [Path(preset["path"]) for preset in answer["presets"]]
    assert {path.parent for path in listed} == {tmp_path / "atb" / "_presets"}
    assert {path.name for path in listed} == {p.name for p in (root / "presets").glob("*.yaml")}
