"""Latency of one window in each preset's serving graph, beside what else could answer it.

    python benchmarks/latency.py [--calls 2000] [--only fast,tcn]

One thread, batch 1, simulated rows, untrained weights (they do not change the time). The serving
graph is the whole path from raw rows to signal; beside it stand the same network alone, exported
the same way and fed its scaled window, what `model.export` of Keras makes of the whole path, and
`model.predict`. The graphs take turns in rounds, so that whatever else the machine does meets all
of them; `x bare` and `x plain` are medians of the ratios of rounds.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import untrained
from rich.console import Console
from rich.table import Table

from atb import backend, presets
from atb.clock import timeframe_ms
from atb.config.features import width
from atb.config.training import TrainingConfig
from atb.market import sample
from atb.market.history import Float32
from atb.market.lob import sample as book_sample

ROUND, WARM_UP, PREDICTIONS = 50, 50, 20
COLUMNS = ("p50", "p99", "bare p50", "p99", "plain p50", "p99", "predict p50", "p99")


def rows_of(config: TrainingConfig, count: int) -> Float32:
    """`[count, C]` float32 simulated raw rows of a recipe's market."""
    if config.data.kind == "book":
        return book_sample.simulate("TEST", count, seed=0).matrix()
    step = timeframe_ms("1h")
    start = 1_672_531_200_000 // step * step
    return sample.simulate("TEST", "1h", start, start + count * step, seed=0).matrix()


def export(config: TrainingConfig, folder: Path) -> tuple[Any, Float32, list[Path]]:
    """The serving model, a window, and the graphs: ours, the bare network, Keras's own."""
    from atb.export.onnx import export as fused
    from atb.models.build import network

    serving = untrained.serving(config, rows_of(config, 2).shape[1])
    window = rows_of(config, serving.input.shape[1])[np.newaxis]
    serving.predict_on_batch(window)  # Keras wants a called model
    paths = [folder / name for name in ("serving.onnx", "bare.onnx", "plain.onnx")]
    fused(serving, paths[0], {})
    shape = (config.window, width(config.features))
    fused(network(config.model, config.target, shape), paths[1], {})
    serving.export(paths[2], format="onnx", verbose=False)
    return serving, window, paths


def caller(path: Path, window: Float32) -> Callable[[], float]:
    """A function that answers one window and returns the seconds it took."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    (source,) = session.get_inputs()
    shape = (1, *source.shape[1:])
    given = window if window.shape == shape else np.random.default_rng(0).normal(size=shape)
    feed = {source.name: given.astype(np.float32)}
    return lambda: timed(lambda: session.run(None, feed))


def timed(call: Callable[[], Any]) -> float:
    """Seconds that a call took."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(calls: Sequence[Callable[[], float]], count: int) -> np.ndarray:
    """Seconds `[graphs, rounds, ROUND]` of each graph, in alternating rounds after a warm-up."""
    for call in calls:
        for _ in range(WARM_UP):
            call()
    rounds = [[[call() for _ in range(ROUND)] for call in calls] for _ in range(count // ROUND)]
    return np.array(rounds).transpose(1, 0, 2)


def cells(config: TrainingConfig, folder: Path, count: int) -> list[str]:
    """A row of the table: p50 and p99 in microseconds, and the two ratios."""
    serving, window, paths = export(config, folder)
    times = measure([caller(path, window) for path in paths], count)
    ours, bare, plain = np.median(times, axis=2)
    predicted = [timed(lambda: serving.predict(window, verbose=0)) for _ in range(PREDICTIONS)]
    every = [*times.reshape(len(times), -1), np.array(predicted[1:])]
    figures = [f"{value:,.0f}" for seen in every for value in np.percentile(seen, [50, 99]) * 1e6]
    return [*figures, f"{np.median(ours / bare):.2f}", f"1/{np.median(plain / ours):.1f}"]


def main() -> None:
    """Export and time each preset of a network, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()

    backend.prepare(7)
    table = Table("preset", title="microseconds from raw rows to signal, batch 1, one thread")
    for column in (*COLUMNS, "x bare", "x plain"):
        table.add_column(column, justify="right")
    for preset in arguments.only.split(",") if arguments.only else presets.names():
        config = presets.create_config_from_preset(preset, "BTCUSDT")
        if config.model.architecture != "linear":
            with tempfile.TemporaryDirectory() as folder:
                table.add_row(preset, *cells(config, Path(folder), arguments.calls))
    Console(width=130).print(table)


if __name__ == "__main__":
    main()
