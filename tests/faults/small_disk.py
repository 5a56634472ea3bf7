"""Train on a disk of a few hundred kilobytes, again and again with more room, and say what came.

A script, run by `test_full_disk.py` in a mount namespace of its own: `small_disk.py DISK MODELS`.
DISK is an empty folder for the disk, MODELS a workspace with a model to begin with.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from atb import presets, runs
from atb.errors import AtbError
from atb.pipeline import resume_training, train_model
from atb.registry import store
from atb.registry.integrity import verify
from atb.workspace import Workspace

SMALL = ("window=20", "model.units=[6]", "model.filters=[6]", "model.dense=[4]")
SPAN = {"source": "sample", "start": "2024-01-01", "end": "2024-03-15", "epochs": 2}
PAGE = 4096
ROOMS = [0, 2, 12, 30, 45, 65]  # pages of 4 kB beyond what lies there already


def mount(disk: Path, *options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "none", str(disk)], check=True)


def attempt(workspace: Workspace) -> dict[str, Any]:
    """A training, and what it left."""
    config = presets.resolve("fast", "BTCUSDT", assignments=SMALL, **SPAN).config
    try:
        train_model(config, artifacts=workspace.root)
        code, said = 0, ""
    except AtbError as error:
        code, said = error.exit_code, str(error)
    models = store.versions(workspace)
    return {
        "code": code,
        "said": said,
        "models": len(models),
        "whole": all(verify(model.path) for model in models),
        "tmp": len(list(workspace.root.rglob("*.tmp"))),
        "runs": [run.name for run in runs.listing(workspace)],
    }


def main(disk: Path, models: Path) -> None:
    """One line of JSON for each size of the disk, then one for a run taken up."""
    mount(disk, "size=64m")
    shutil.copytree(models, disk / "artifacts")
    workspace = Workspace(disk / "artifacts")
    for pages in ROOMS:
        used = shutil.disk_usage(disk).used
        mount(disk, "remount", f"size={used + pages * PAGE}")
        found = attempt(workspace)
        mount(disk, "remount", "size=64m")
        sys.stdout.write(json.dumps({"pages": pages, **found}) + "\n")
        if pages != ROOMS[-1]:
            shutil.rmtree(workspace.runs, ignore_errors=True)
    for run in runs.listing(workspace):
        resume_training(run.name, artifacts=workspace.root)
    whole = [bool(verify(model.path)) for model in store.versions(workspace)]
    sys.stdout.write(json.dumps({"models": len(whole), "runs": runs.listing(workspace)}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
