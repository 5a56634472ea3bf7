"""Symbols served per second on one core, and memory per loaded model.

    taskset -c 0 python benchmarks/throughput.py MODEL [--symbols 1000]

Every symbol is a predictor with a window of its own, which is given one simulated bar after the
other and answers each. Once all of them share the model's one session, once each has a session of
its own, as models of different weights have; both take turns. Times are of the core, not of the
clock on the wall, so that other programs count for little; memory is what the process grew by.
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from atb.clock import timeframe_ms
from atb.market import sample
from atb.market.candles import Candles
from atb.registry import manifest
from atb.registry.version import Version
from atb.runtime.predictor import Predictor

ROUNDS = 8


def resident_mb() -> float:
    """Resident memory of this process."""
    line = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line
    )
    return int(line.split()[1]) / 1024


def of_their_own(model: Path, symbols: int, folder: Path) -> list[Version]:
    """Copies of a model that differ by one word, so that no two share a session."""
    import onnx

    graph = onnx.load(model / "model.onnx")
    versions = []
    for number in range(symbols):
        place = folder / f"S{number}" / "fast" / "copy"
        place.mkdir(parents=True)
        graph.metadata_props.add(key="copy", value=str(number))
        (place / "model.onnx").write_bytes(graph.SerializeToString())
        graph.metadata_props.pop()
        manifest.write(place)
        versions.append(Version.at(place))
    return versions


def loaded(versions: list[Version]) -> tuple[list[Predictor], float, float]:
    """Predictors, and for each of them the MB it takes and the seconds its loading took."""
    gc.collect()
    before, start = resident_mb(), time.thread_time()
    predictors = [Predictor.of(version) for version in versions]
    seconds = (time.thread_time() - start) / len(versions)
    return predictors, (resident_mb() - before) / len(versions), seconds


def serve(predictors: list[Predictor], market: Candles, bar: int) -> float:
    """Seconds in which all take a bar and answer, each at another place of the market."""
    bars = [market.bar(number + bar) for number in range(len(predictors))]
    start = time.thread_time()
    for predictor, candle in zip(predictors, bars, strict=True):
        if predictor.update(candle) is None:
            raise AssertionError("the window is not whole")
    return time.thread_time() - start


def main() -> None:
    """Load, serve in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--symbols", type=int, default=1000)
    arguments = parser.parse_args()

    first = Predictor.of(Version.at(arguments.model))
    bars, step = first.rows + ROUNDS, timeframe_ms(first.timeframe)
    end = sample.DEFAULT_START_MS + (arguments.symbols + bars) * step
    market = sample.simulate("BTCUSDT", first.timeframe, sample.DEFAULT_START_MS, end, 7)
    with tempfile.TemporaryDirectory() as folder:
        own = of_their_own(arguments.model, arguments.symbols, Path(folder))
        ways = {
            "one session": loaded([Version.at(arguments.model)] * arguments.symbols),
            "sessions of their own": loaded(own),
        }
    for predictors, _, _ in ways.values():
        for number, predictor in enumerate(predictors):
            predictor.warm(market.rows(number, number + first.rows))
    times: dict[str, list[float]] = {way: [] for way in ways}
    for bar in range(first.rows, bars):
        for way, (predictors, _, _) in ways.items():
            times[way].append(serve(predictors, market, bar))

    table = Table(title=f"{arguments.symbols:,} symbols, one thread, {ROUNDS} bars each")
    for column in ("predictors with", "symbols/s", "us per answer", "MB each", "ms to load"):
        table.add_column(column, justify="left" if column == "predictors with" else "right")
    for way, (predictors, memory, seconds) in ways.items():
        each = float(np.median(times[way])) / len(predictors)
        cells = (f"{1 / each:,.0f}", f"{each * 1e6:.0f}", f"{memory:.2f}", f"{seconds * 1e3:.1f}")
        table.add_row(way, *cells)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
