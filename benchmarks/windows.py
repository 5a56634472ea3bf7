"""One shuffled epoch of windows over 1,000,000 rows x 39 features x 120 steps: speed and memory.

    python benchmarks/windows.py [--batch 512]

Peak memory is the process's high-water mark above what it was after importing TensorFlow.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from atb.backend import prepare

ROWS, FEATURES, WINDOW = 1_000_000, 39, 120


def peak_mb() -> float:
    """High-water mark of resident memory in MB."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def epoch_seconds(batch: int) -> tuple[float, int]:
    """Seconds of one epoch that reads each window, and how many it read."""
    from atb.dataset.windows import Windows

    matrix = np.random.default_rng(7).standard_normal((ROWS, FEATURES), np.float32)
    windows = Windows(matrix, matrix[:, 0].copy(), WINDOW)
    ends = np.arange(WINDOW - 1, ROWS)
    batches = len(ends) // batch
    start = time.perf_counter()
    seen = sum(
        int(x.shape[0]) for x, _ in windows.epochs(ends, batch, batches, seed=7).take(batches)
    )
    return time.perf_counter() - start, seen


def main() -> None:
    """Time one epoch and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=512)
    batch = parser.parse_args().batch
    prepare(seed=7, threads=2)
    imported = peak_mb()
    seconds, seen = epoch_seconds(batch)
    table = Table(title=f"{ROWS:,} rows x {FEATURES} features x {WINDOW} steps, batch {batch}")
    for column in ("windows", "seconds", "windows/s", "after import MB", "peak above it MB"):
        table.add_column(column, justify="right")
    peak = peak_mb() - imported
    table.add_row(
        f"{seen:,}", f"{seconds:.1f}", f"{seen / seconds:,.0f}", f"{imported:.0f}", f"{peak:.0f}"
    )
    Console().print(table)


if __name__ == "__main__":
    main()
