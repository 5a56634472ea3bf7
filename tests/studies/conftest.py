"""A small book, recipes for it, and models' folders as a training leaves them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from atb.fleet import scheduler
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import Limits
from atb.market.lob.book import Book
from atb.market.lob.sample import simulate
from atb.registry import manifest
from atb.studies import suite_recipes
from atb.studies.suite import Suite

HORIZONS = (10, 20, 50, 100)


@pytest.fixture(scope="session")
def book() -> Book:
    return simulate("SAMPLE", 2500, seed=3)


@pytest.fixture
def recipes() -> dict[str, Any]:
    return suite_recipes.recipes(
        ("ols", "ridge", "lob-mlp"), None, source="file", book=Path("b.zip")
    )


def verdict(accuracy: float, baselines: bool = True, decided: bool = True) -> dict[str, Any]:
    """As `Verdict.to_json` says it, of classes or of moves."""
    if decided:
        metrics = {"accuracy": accuracy, "macro_f1": 0.4, "mcc": 0.1, "precision_up": 0.3}
        naive = {
            "majority": {"accuracy": 0.36, "macro_f1": 0.17, "mcc": 0.0},
            "last_move": {"accuracy": 0.38, "macro_f1": 0.29, "mcc": 0.02},
            "random": {"accuracy": 1 / 3, "macro_f1": 0.33, "mcc": 0.0},
            "class_frequency": {"accuracy": 0.34, "log_loss": 1.09},
        }
        best = "last_move"
        confusion = {"classes": ["down", "flat", "up"], "counts": [[5, 1, 2], [0, 7, 1], [2, 2, 9]]}
    else:
        metrics = {"r2": 0.08, "move_rmse": 0.7, "directional_accuracy": 0.6}
        naive = {"persistence": {"r2": -0.01}, "majority": {"directional_accuracy": 0.51}}
        best, confusion = "majority", None
    return {
        "metrics": metrics,
        "intervals": {name: [value - 0.02, value + 0.03] for name, value in metrics.items()},
        "baselines": naive,
        "differences": {
            name: {"baseline": best, "estimate": accuracy - 0.38, "low": accuracy - 0.4,
                   "high": accuracy - 0.36}
            for name in metrics
        },
        "verdict": f"accuracy {accuracy}",
        "bootstrap": {"rows": 555},
        **({"confusion": confusion} if confusion else {}),
    }  # fmt: skip


def model(suite: Suite, member: str, accuracies: tuple[float, ...], **facts: Any) -> Path:
    """The files of a member's model that a suite reads."""
    folder, line = suite.model(member), member in suite.lines
    folder.mkdir(parents=True)
    verdicts = [verdict(one, decided=not line) for one in accuracies]
    others = {str(h): one for h, one in zip(HORIZONS[1:], verdicts[1:], strict=True)}
    bounds = {"per_trade": -1.5, "low": -2.0, "high": -1.0}
    ticks = {f"{kind}_ticks_{key}": bounds[key] for kind in ("gross", "net") for key in bounds}
    ticks |= {"trades": 12, "win_rate": 0.25}
    metrics = {**verdicts[0], "horizons": others, "backtest": {**ticks, "last_move": ticks}}
    data = {"source": "sample", "synthetic": True, "rows": 1500, "gaps": 0}
    when = {"first": "2024-01-02T14:30:00Z", "last": "2024-01-02T14:40:59Z"}
    metadata = {
        "version": folder.name,
        "features": "lob38",
        "window": 10,
        "data": {**data, **when},
        "data_sha256": "0" * 64,
        **{"clock": "event", "every": 1.0, "levels": 10, "tick": 0.01},
        "dataset": {
            "windows": {"train": 700, "validation": 150, "test": 150},
            "periods": {part: ["a", "b"] for part in ("train", "validation", "test")},
        },
        "training": {
            "parameters": 1524,
            "epochs": 1,
            "best_epoch": 1,
            "reason": "solved",
            "batch": 512,
            "accumulation": 1,
        },
        "stages": {"training": 1.5},
        **facts,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "metadata.json").write_text(json.dumps(metadata))
    manifest.write(folder)
    if line:
        decisions = {str(h): verdict(a) for h, a in zip(HORIZONS, accuracies, strict=True)}
        suite.decisions(member).parent.mkdir(exist_ok=True)
        suite.decisions(member).write_text(json.dumps(decisions))
    return folder


@pytest.fixture
def made_model() -> Any:
    """Writes the files of a member's model."""
    return model


class Fleet:
    """Stands in for processes: each job leaves what it makes, or ends as it is told to."""

    def __init__(self, leave: Callable[[Job], None]) -> None:
        self.leave = leave
        self.errors: dict[str, Any] = {}
        self.asked: list[str] = []

    def run(self, jobs: list[Job], limits: Limits, logs: Path, listen: Any = None) -> list[Outcome]:
        self.asked = [job.name for job in jobs]
        return [self.end(job) for job in jobs]

    def end(self, job: Job) -> Outcome:
        error = self.errors.get(job.name)
        if error is None:
            self.leave(job)
        return Outcome(job.name, None, error, 1.0)


@pytest.fixture
def fleet_that(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Job], None]], Fleet]:
    """`fleet_that(leave)`: every job does no more than `leave(job)`."""

    def made(leave: Callable[[Job], None]) -> Fleet:
        fleet = Fleet(leave)
        monkeypatch.setattr(scheduler, "run", fleet.run)
        return fleet

    return made
