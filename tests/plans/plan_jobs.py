"""Cheap stand-ins for what the processes of a plan do; importable by those processes.

Run as a program, it carries out a plan of them: `plan_jobs.py ARTIFACTS CANDLES`.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from unittest import mock

from atb.config.plan import PlanSpec
from atb.errors import DivergedError
from atb.events import Noted
from atb.fleet.engines import local
from atb.plans import done, run, work
from atb.plans.expand import expanded
from atb.registry import store
from atb.workspace import Workspace

STEPS = {"train": {}, "evaluate": {"needs": ["train"]}}


def train(config, sha256, artifacts, key, listen):
    """Leave a model whose one file says its rows; fail, or be killed once, where a name says so."""
    listen(Noted(f"{config.name} of {config.symbol}"))
    workspace = Workspace(artifacts)
    begun = artifacts / "begun" / f"{config.symbol}-{config.training.seed}"
    begun.parent.mkdir(parents=True, exist_ok=True)
    with begun.open("a") as stream:
        stream.write(".")
    if config.symbol == "BAD":
        raise DivergedError("the loss is not finite")
    if config.symbol == "KILLED" and begun.stat().st_size == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if config.symbol == "SLOW" and begun.stat().st_size == 1:
        time.sleep(60)
    files = {
        "rows.txt": lambda path: path.write_text(sha256),
        "metrics.json": lambda path: path.write_text(
            '{"headline": {"metric": "rmse", "value": 1.0, "naive": 1.0, "rising": false}, '
            '"verdict": "level: with it", "backtest": {"total_return": 0.1}}'
        ),
    }
    version = f"20260101T000000Z-{key[:16]}"
    made = store.add(workspace, config.symbol, config.name, version, files)
    record = {**done.of_model(made), "recipe": config.name}
    done.write(workspace, key, record)
    return record


def evaluate(models, artifacts, key, listen, **_said):
    """Count the models that are there."""
    listen(Noted("evaluated"))
    workspace = Workspace(artifacts)
    found = {name: done.read(workspace, one)["model"] for name, one in models.items()}
    record = {"result": {"sample": 1.0, "rows": 1, "first": "then", "models": {}, "of": found}}
    done.write(workspace, key, record)
    return record


def cheap():
    """Put these in the place of what takes long."""
    swapped = {
        "train": work.Work(train, work.WORK["train"].told, 1 << 20),
        "evaluate": work.Work(evaluate, work.WORK["evaluate"].told, 1 << 20),
    }
    return mock.patch.object(work, "WORK", {**work.WORK, **swapped})


def plan(symbols, candles, seeds=(1, 2), steps=None):
    """A plan of cheap steps on one file for each symbol."""
    said = {"description": "cheap", "symbols": symbols, "recipes": ["fast"], "seeds": seeds}
    spec = PlanSpec.model_validate({**said, "candles": candles, "steps": steps or STEPS})
    return expanded(spec, "cheap", str)


def main(artifacts, candles):
    """Carry out a plan with a slow model on one core."""
    with cheap():
        made = plan(("AAA", "SLOW"), candles, seeds=(1,), steps={"train": {}})
        run.run(made, artifacts=artifacts, engine=local.connect(1, None))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
