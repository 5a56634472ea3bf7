"""Size, latency and closeness of registered models' graphs in fewer bits, beside float32.

    python benchmarks/smaller.py CANDLES MODEL... [--artifacts artifacts] [--calls 1000]

A model is SYMBOL/NAME or a folder; CANDLES is the file it was trained on. Latency is of one window
on one thread; the graphs of a model take turns, so that whatever else the machine does meets all of
them. Nothing is registered.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import onnxruntime
from rich.console import Console
from rich.table import Table

from atb import smaller
from atb.events import silent
from atb.export.quantise import WAYS
from atb.registry import store
from atb.registry.version import Version
from atb.runtime import replay
from atb.workspace import Workspace

ROUND = 20


def opened(content: bytes) -> onnxruntime.InferenceSession:
    """A graph on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def latencies(graphs: list[bytes], rows: np.ndarray, calls: int) -> list[float]:
    """Median seconds of each graph for the last window of the rows, in alternating rounds."""
    sessions = [opened(graph) for graph in graphs]
    (source,) = sessions[0].get_inputs()
    feed = {source.name: rows[np.newaxis, -source.shape[1] :]}
    taken: list[list[float]] = [[] for _ in sessions]
    for _ in range(calls // ROUND):
        for session, times in zip(sessions, taken, strict=True):
            for _ in range(ROUND):
                start = time.perf_counter()
                session.run(None, feed)
                times.append(time.perf_counter() - start)
    return [float(np.median(times)) for times in taken]


def report(workspace: Workspace, version: Version, candles: Path, calls: int, table: Table) -> None:
    """One row for the float32 graph and one for each smaller one."""
    made = {way: smaller.made(workspace, version, way, candles) for way in WAYS}
    exact = version.onnx.read_bytes()
    rows = replay.rows(replay.recipe(version.path), candles, None, silent).matrix()
    base, *others = latencies([exact, *(one.graph for one in made.values())], rows, calls)
    table.add_row(version.name, "float32", f"{len(exact):,}", "1", "1", "", "", "")
    for (way, one), taken in zip(made.items(), others, strict=True):
        size = len(one.graph) / len(exact)
        difference = one.difference
        table.add_row(
            version.name,
            way,
            f"{len(one.graph):,}",
            f"{size:.2f}",
            f"{taken / base:.2f}",
            f"{one.metric} {one.change:.1e}",
            f"{difference.share:.4f}",
            f"{difference.turned:.2%}",
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("candles", type=Path)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"))
    parser.add_argument("--calls", type=int, default=1000)
    given = parser.parse_args()
    workspace = Workspace(given.artifacts)
    columns = ("model", "graph", "bytes", "of float32", "p50 of float32", "metric moves by")
    table = Table(*columns, "rms of answers' deviation", "change side")
    for model in given.models:
        version = store.find(workspace, model)
        report(workspace, version, given.candles, given.calls, table)
    Console().print(table)


if __name__ == "__main__":
    main()
