"""Seconds that several trainings take one after another, and side by side.

    python benchmarks/fleet.py --candles BTCUSDT_1h.feather [--jobs 8] [--at-once 2] [--epochs 5]

The jobs differ in their seed only; each has a process of its own, whose start counts, too. Either
way begins with an empty folder, so that nothing is found in a cache. Seconds at work of a job that
has neighbours tell how much they take from each other.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from atb import pipeline, presets
from atb.config.training import TrainingConfig
from atb.events import Listener
from atb.fleet import scheduler
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import Limits

GIB = 1 << 30


def train(config: TrainingConfig, artifacts: str, listen: Listener) -> None:
    """Train one model and register it."""
    pipeline.train_model(config, artifacts=artifacts, listen=listen)


def carried_out(configs: list[TrainingConfig], at_once: int) -> tuple[float, list[Outcome]]:
    """Seconds that all of them took, so many at once, and how each ended."""
    with tempfile.TemporaryDirectory() as folder:
        jobs = [
            Job(f"seed-{one.training.seed}", train, {"config": one, "artifacts": folder})
            for one in configs
        ]
        start = time.perf_counter()
        outcomes = scheduler.run(jobs, Limits(at_once), Path(folder) / "logs")
        seconds = time.perf_counter() - start
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return seconds, outcomes


def main() -> None:
    """Train all of them in either way and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candles", type=Path, required=True)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--epochs", type=int, default=5)
    given = parser.parse_args()

    options = {"candles": given.candles, "epochs": given.epochs, "patience": given.epochs}
    configs = [
        presets.create_config_from_preset(given.preset, "BTCUSDT", seed=seed, **options)
        for seed in range(1, given.jobs + 1)
    ]
    title = f"{given.jobs} x {given.preset}, {given.epochs} epochs of {given.candles.name}"
    table = Table(title=title)
    for column in ("at once", "seconds", "speed-up", "seconds of a job", "GiB of a job"):
        table.add_column(column, justify="right")
    alone = 0.0
    for at_once in (1, given.at_once):
        seconds, outcomes = carried_out(configs, at_once)
        alone = alone or seconds
        each = statistics.median(one.seconds for one in outcomes)
        held = max(one.memory for one in outcomes) / GIB
        table.add_row(
            f"{at_once}", f"{seconds:.1f}", f"{alone / seconds:.2f}", f"{each:.1f}", f"{held:.2f}"
        )
    Console().print(table)


if __name__ == "__main__":
    main()
