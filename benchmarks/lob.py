"""Order books: how fast text becomes a book, a book features, and how networks learn and answer.

    taskset -c 0 python benchmarks/lob.py reader [--path ZIP|FOLDER] [--rows 200000] [--repeats 5]
    taskset -c 0 python benchmarks/lob.py features [--rows 5000000] [--only lob38 ...]
    taskset -c 0 python benchmarks/lob.py training [--only deeplob ...] [--batch 512] [--steps 2]
    taskset -c 0 python benchmarks/lob.py latency [--only deeplob ...] [--calls 2000]

Without a path, a simulated book of ten levels is written first. Seconds are those of the fastest of
the repeats, by wall clock and of the processor; where other work shares the core, only the latter
mean anything. Pin the process to one core. Peak memory is the process's high-water mark above what
it held before.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import lob_networks
from rich.console import Console
from rich.table import Table

from atb import backend
from atb.config import book_features
from atb.config.features import width
from atb.market.lob import lobster, pairs, sample, store
from atb.workspace import Workspace

SIMULATED = 100_000  # rows that are repeated until the day is full


def memory_mb(field: str) -> float:
    """Resident memory now (`VmRSS`) or at its highest (`VmHWM`), in MB."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def measured(job: Callable[[], object], repeats: int) -> tuple[float, float, float]:
    """Seconds of the fastest run, those of the processor, and MB of the peak above the start."""
    Path("/proc/self/clear_refs").write_text("5")  # start the high-water mark anew
    before, walls, busy = memory_mb("VmRSS"), [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        job()
        walls.append(time.perf_counter() - wall)
        busy.append(time.process_time() - processor)
    return min(walls), min(busy), memory_mb("VmHWM") - before


def streamed(path: Path) -> int:
    """Rows of all blocks, none of which is kept."""
    return sum(len(block) for block in lobster.blocks(pairs.find(path)))


def reader(arguments: argparse.Namespace) -> None:
    """Rows per second of reading as a stream, into one book, and into the store."""
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.path
        if path is None:
            path, _ = sample.write_lobster(
                Path(folder), "TEST", date(2024, 1, 2), arguments.rows, seed=7
            )
        workspace = Workspace(Path(folder) / "artifacts")
        rows, depth = streamed(path), pairs.find(path)[0].depth
        table = Table()
        for column in ("what", "seconds", "processor", "rows/s", "rows/s of it", "peak MB"):
            table.add_column(column, justify="right")
        jobs: dict[str, Callable[[], object]] = {
            "blocks": lambda: streamed(path),
            "store": lambda: store.import_lobster(workspace, path),
            "book": lambda: lobster.read(path),
        }
        for name, job in jobs.items():
            wall, busy, peak = measured(job, arguments.repeats)
            seconds, speeds = (wall, busy), (rows / wall, rows / busy)
            cells = [f"{s:.2f}" for s in seconds] + [f"{speed:,.0f}" for speed in speeds]
            table.add_row(name, *cells, f"{peak:.0f}")
    Console().print(f"{path.name}: {rows:,} rows, {depth} levels", table)


def features(arguments: argparse.Namespace) -> None:
    """Seconds and memory of each feature set over a day of a simulated book of ten levels."""
    backend.prepare(seed=0)
    from atb.features.layer import compute

    part = sample.simulate("TEST", min(arguments.rows, SIMULATED), seed=7)
    whole = store.joined([part] * -(-arguments.rows // len(part))).rows(0, arguments.rows)
    table = Table()
    for column in ("set", "columns", "seconds", "processor", "rows/s", "peak MB"):
        table.add_column(column, justify="right")
    for name in arguments.only or book_features.SETS:
        compute(name, part)  # traces
        wall, busy, peak = measured(partial(compute, name, whole), arguments.repeats)
        cells = [f"{wall:.1f}", f"{busy:.1f}", f"{len(whole) / wall:,.0f}", f"{peak:.0f}"]
        table.add_row(name, str(width(name)), *cells)
    Console().print(f"{len(whole):,} rows of {whole.depth} levels", table)


def main() -> None:
    """Measure one part and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = parser.add_subparsers(required=True, metavar="PART")
    part = parts.add_parser("reader", help=reader.__doc__)
    part.add_argument("--path", type=Path)
    part.add_argument("--rows", type=int, default=200_000)
    part.add_argument("--repeats", type=int, default=5)
    part.set_defaults(run=reader)
    part = parts.add_parser("features", help=features.__doc__)
    part.add_argument("--rows", type=int, default=5_000_000)
    part.add_argument("--only", nargs="*", choices=list(book_features.SETS))
    part.add_argument("--repeats", type=int, default=1)
    part.set_defaults(run=features)
    lob_networks.add_parts(parts)
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
