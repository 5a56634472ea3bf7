"""Latency of one window in each preset's serving graph, beside what `model.export` makes of it.

    python benchmarks/latency.py [--calls 3000]

One thread, batch 1, candles of the simulator's scale, untrained weights (they do not change the
time). Both graphs are the whole path from candles to return; they take turns, so that whatever else
the machine does meets both.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import untrained
from rich.console import Console
from rich.table import Table

from atb import backend, presets
from atb.market.candles import COLUMNS

PRESETS = ("legacy", "fast", "balanced", "quality")
ROUND = 100


def export(preset: str, folder: Path) -> tuple[Path, Path]:
    """Our graph and Keras's own of a preset's serving model."""
    from atb.export.onnx import export as fused

    serving = untrained.serving(presets.create_config_from_preset(preset, "BTCUSDT"), len(COLUMNS))
    ours, own = folder / f"{preset}.onnx", folder / f"{preset}_keras.onnx"
    fused(serving, ours, {})
    serving.predict_on_batch(np.ones((1, *serving.input.shape[1:])))  # Keras wants a called model
    serving.export(own, format="onnx", verbose=False)
    return ours, own


def caller(path: Path) -> Callable[[], float]:
    """A function that answers one window and returns the seconds it took."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    (source,) = session.get_inputs()
    draw = np.random.default_rng(0)
    close = 50_000 * np.exp(np.cumsum(draw.normal(0, 0.005, source.shape[1])))
    columns = [close, close * 1.002, close * 0.998, close, draw.lognormal(6, 1, len(close))]
    feed = {source.name: np.stack(columns, axis=-1).astype(np.float32)[np.newaxis]}

    def call() -> float:
        start = time.perf_counter()
        session.run(None, feed)
        return time.perf_counter() - start

    return call


def measure(paths: tuple[Path, Path], calls: int) -> list[np.ndarray]:
    """p50 and p99 in microseconds of each graph, in alternating rounds after a warm-up."""
    graphs = [caller(path) for path in paths]
    times: list[list[float]] = [[], []]
    for number in range(-1, calls // ROUND):
        for call, seen in zip(graphs, times, strict=True):
            measured = [call() for _ in range(ROUND)]
            seen.extend(measured if number >= 0 else [])
    return [np.percentile(seen, [50, 99]) * 1e6 for seen in times]


def main() -> None:
    """Export and time each preset, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=3000)
    arguments = parser.parse_args()

    backend.prepare(7)
    table = Table(title="microseconds from candles to return, batch 1, one thread")
    for column in ("preset", "p50", "p99", "model.export p50", "p99", "times faster"):
        table.add_column(column, justify="left" if column == "preset" else "right")
    with tempfile.TemporaryDirectory() as folder:
        for preset in PRESETS:
            ours, own = measure(export(preset, Path(folder)), arguments.calls)
            cells = [f"{value:,.0f}" for value in (*ours, *own)]
            table.add_row(preset, *cells, f"{own[0] / ours[0]:.1f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
