"""Seconds per stage and samples per second of each preset on the same candles.

    python benchmarks/presets.py --candles BTCUSDT_1h.feather [--epochs 4]

Each preset is trained through the shell in a process of its own, one thread, nothing else running.
An epoch's time is the median of all but the first, which also compiles the graph.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

PRESETS = ("legacy", "fast", "balanced", "quality")
STAGES = ("data", "features", "dataset", "training", "evaluation", "export", "save", "total")


def train(preset: str, candles: Path, epochs: int, artifacts: str) -> dict[str, float]:
    """Train one preset; its stages, seconds per epoch and samples per second."""
    command = [str(Path(sys.executable).with_name("atb")), "train", "model", "BTCUSDT", "--json"]
    command += ["--preset", preset, "--candles", str(candles), "--artifacts", artifacts]
    command += ["--epochs", str(epochs), "--patience", str(epochs)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    summary = json.loads(done.stdout.splitlines()[-1])
    folder = Path(summary["path"])
    with (folder / "history.csv").open() as stream:
        seconds = [float(row["seconds"]) for row in csv.DictReader(stream)]
    windows = json.loads((folder / "metadata.json").read_text())["dataset"]["windows"]["train"]
    epoch = statistics.median(seconds[1:])
    return {**summary["stages"], "epoch": epoch, "samples": windows / epoch}


def main() -> None:
    """Train the presets one after another and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candles", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=4)
    arguments = parser.parse_args()

    table = Table(title=f"{arguments.candles.name}, {arguments.epochs} epochs, seconds")
    for column in ("preset", *STAGES, "per epoch", "samples/s", "x legacy"):
        table.add_column(column, justify="left" if column == "preset" else "right")
    legacy = 0.0
    with tempfile.TemporaryDirectory() as artifacts:
        for preset in PRESETS:
            row = train(preset, arguments.candles, arguments.epochs, artifacts)
            legacy = legacy or row["epoch"]
            stages = [f"{row[stage]:.1f}" for stage in STAGES]
            ratio = f"{legacy / row['epoch']:.2f}"
            table.add_row(preset, *stages, f"{row['epoch']:.2f}", f"{row['samples']:,.0f}", ratio)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
