"""Seconds from a fresh interpreter to the first answer of a model.

    python benchmarks/cold_start.py MODEL [--times 10]

Each start is a process of its own; a bare interpreter takes turns with them and is subtracted from
nothing, so that the figures are what a user waits for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from atb.clock import timeframe_ms
from atb.market import sample
from atb.market.candles import COLUMNS
from atb.registry.version import Version
from atb.runtime.predictor import Predictor

PREDICT = """
import sys
import numpy as np
from atb.market.candles import Candles
from atb.runtime import Predictor
from atb.registry.version import Version
from pathlib import Path
predictor = Predictor.of(Version.at(Path(sys.argv[1])))
with np.load(sys.argv[2]) as columns:
    candles = Candles.from_columns(predictor.symbol, predictor.timeframe, columns)
predictor.warm(candles.rows(0, len(candles) - 1))
assert predictor.update(candles.bar(len(candles) - 1))
"""
STARTS = {
    "a bare interpreter": "",
    "numpy and onnxruntime": "import numpy, onnxruntime",
    "import Predictor": "from atb.runtime import Predictor",
    "verify, load, warm, answer": PREDICT,
}


def seconds(code: str, *given: str) -> float:
    """Seconds a process takes from its start to its end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code, *given], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Start processes in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--times", type=int, default=10)
    arguments = parser.parse_args()

    predictor = Predictor.of(Version.at(arguments.model))
    end = sample.DEFAULT_START_MS + predictor.rows * timeframe_ms(predictor.timeframe)
    bars = (predictor.timeframe, sample.DEFAULT_START_MS, end, 7)
    candles = sample.simulate(predictor.symbol, *bars)
    times: dict[str, list[float]] = {name: [] for name in STARTS}
    with tempfile.TemporaryDirectory() as folder:
        given = (str(arguments.model), f"{folder}/candles.npz")
        np.savez(given[1], **{name: getattr(candles, name) for name in ("time", *COLUMNS)})
        for number in range(-1, arguments.times):
            for name, code in STARTS.items():
                took = seconds(code, *given)
                times[name].extend([took] if number >= 0 else [])

    table = Table(title=f"seconds from start to end of a process, {arguments.times} times")
    for column in ("what it does", "best", "median"):
        table.add_column(column, justify="left" if column == "what it does" else "right")
    for name, taken in times.items():
        table.add_row(name, f"{min(taken):.2f}", f"{np.median(taken):.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
