"""The features of 1,000,000 simulated candles: seconds and memory, beside pandas and TA-Lib.

    python benchmarks/features.py [--rows 1000000] [--threads 2]

Each library runs in a process of its own. pandas and TA-Lib compute, in float64, those of the 39
features they have functions for; the count says how many. Peak memory is the process's high-water
mark above what it held with candles and libraries loaded.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

from atb.backend import prepare
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]
Prepared = Callable[[], npt.NDArray[Any]]


def simulated(rows: int) -> Candles:
    """A random walk with plausible bars around it."""
    rng = np.random.default_rng(7)
    close = 30_000 * np.exp(np.cumsum(rng.normal(0, 5e-4, rows)))
    open_ = close * np.exp(rng.normal(0, 1e-4, rows))
    high = np.maximum(open_, close) * np.exp(rng.exponential(3e-4, rows))
    low = np.minimum(open_, close) * np.exp(-rng.exponential(3e-4, rows))
    volume = rng.lognormal(3, 1, rows)
    return Candles("TEST", "1m", np.arange(rows) * 60_000, open_, high, low, close, volume)


def with_layer(candles: Candles) -> Prepared:
    """`full` as the library computes it; the graph is traced before the clock starts."""
    from atb.features.layer import compute

    compute("full", candles.rows(0, 1000))
    return lambda: compute("full", candles)


def with_talib(candles: Candles) -> Prepared:
    """Indicators as TA-Lib gives them, not yet made relative."""
    import talib as ta

    o, h, l, c, v = candles.open, candles.high, candles.low, candles.close, candles.volume  # noqa: E741

    def run() -> npt.NDArray[Any]:
        columns = [ta.ROCP(c, n) for n in (1, 3, 6, 12, 24)]
        columns += [ta.SMA(c, n) for n in (7, 14, 30, 60)]
        columns += [ta.RSI(c, n) for n in (7, 14)]
        columns += [*ta.MACD(c)[:2], ta.LINEARREG_SLOPE(c, 20), ta.CCI(h, l, c, 20)]
        columns += [ta.PLUS_DI(h, l, c, 14) - ta.MINUS_DI(h, l, c, 14), ta.NATR(h, l, c, 14)]
        columns += [ta.TRANGE(h, l, c) / ta.ATR(h, l, c, 14)]
        columns += [*ta.STOCHF(h, l, c, 14, 3)]
        upper, middle, lower = ta.BBANDS(c, 20, 2, 2)
        columns += [(c - lower) / (upper - lower), (upper - lower) / middle]
        columns += [ta.MAX(h, 20) / ta.MIN(l, 20), v / ta.SMA(v, 20)]
        columns += [ta.MFI(h, l, c, v, 14), ta.MOM(c, 20) / ta.SMA(np.abs(ta.MOM(c, 1)), 20)]
        columns += [np.sqrt(ta.SMA(ta.ROCP(c, 1) ** 2, n)) for n in (5, 20, 60)]
        columns += [o / c, h / c, l / c]
        return np.stack(columns, axis=1)

    return run


def with_pandas(candles: Candles) -> Prepared:
    """Indicators by rolling windows and recursive averages."""
    import pandas as pd

    names = ("open", "high", "low", "close", "volume")
    o, h, l, c, v = (pd.Series(getattr(candles, name)) for name in names)  # noqa: E741

    def run() -> npt.NDArray[Any]:
        before, change, r = c.shift(1), c.diff(), np.log(c).diff()
        columns = [np.log(c / c.shift(n)) for n in (1, 3, 6, 12, 24)]
        columns += [np.log(o / before), np.log(h / c), np.log(l / c)]
        columns += [1 - c.rolling(n).mean() / c for n in (7, 14, 30, 60)]
        for n in (7, 14):
            gain = change.clip(lower=0).ewm(alpha=1 / n).mean()
            columns.append(gain / (gain + (-change).clip(lower=0).ewm(alpha=1 / n).mean()))
        macd = c.ewm(span=12).mean() - c.ewm(span=26).mean()
        columns += [macd / c, macd.ewm(span=9).mean() / c]
        columns.append((c - c.shift(20)) / change.abs().rolling(20).sum())
        span = np.maximum(h, before) - np.minimum(l, before)
        average = span.ewm(alpha=1 / 14).mean()
        columns += [average / c, span / average]
        bottom, top = l.rolling(14).min(), h.rolling(14).max()
        stochastic = (c - bottom) / (top - bottom)
        columns += [stochastic, stochastic.rolling(3).mean()]
        mean, deviation = c.rolling(20).mean(), c.rolling(20).std(ddof=0)
        columns += [0.5 + (c - mean) / (4 * deviation), 4 * deviation / mean]
        columns += [np.sqrt((r**2).rolling(n).mean()) for n in (5, 20, 60)]
        log_range, body = np.log(h / l) ** 2, np.log(c / o) ** 2
        columns.append(np.sqrt(log_range.rolling(20).mean() / (4 * math.log(2))))
        columns.append(np.sqrt((0.5 * log_range - (2 * math.log(2) - 1) * body).rolling(20).mean()))
        columns.append(np.log(h.rolling(20).max() / l.rolling(20).min()))
        columns += [v / v.rolling(20).mean(), v / v.shift(1)]
        location = (2 * c - h - l) / (h - l)
        columns.append((location * v).rolling(20).sum() / v.rolling(20).sum())
        columns += [(c - o) / (h - l), (h - np.maximum(o, c)) / (h - l)]
        columns.append((np.minimum(o, c) - l) / (h - l))
        return np.stack([column.to_numpy() for column in columns], axis=1)

    return run


PREPARE: dict[str, Callable[[Candles], Prepared]] = {
    "atb": with_layer,
    "TA-Lib": with_talib,
    "pandas": with_pandas,
}


def memory_mb(field: str) -> float:
    """Resident memory now (`VmRSS`) or at its highest (`VmHWM`), in MB."""
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def measure(library: str, rows: int, threads: int) -> tuple[int, float, float, float]:
    """Columns, seconds, MB of the matrix, MB of the peak above the start."""
    prepare(seed=7, threads=threads)
    run = PREPARE[library](simulated(rows))
    Path("/proc/self/clear_refs").write_text("5")  # start the high-water mark anew
    before = memory_mb("VmRSS")
    start = time.perf_counter()
    matrix = run()
    seconds = time.perf_counter() - start
    return matrix.shape[1], seconds, matrix.nbytes / 2**20, memory_mb("VmHWM") - before


def main() -> None:
    """Measure each library and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    table = Table(title=f"{arguments.rows:,} candles, {arguments.threads} threads")
    for column in ("library", "features", "seconds", "matrix MB", "peak MB", "peak / matrix"):
        table.add_column(column, justify="right")
    context = multiprocessing.get_context("spawn")
    for library in PREPARE:
        with context.Pool(1) as pool:
            columns, seconds, size, peak = pool.apply(
                measure, (library, arguments.rows, arguments.threads)
            )
        cells = (f"{columns}", f"{seconds:.2f}", f"{size:.0f}", f"{peak:.0f}", f"{peak / size:.2f}")
        table.add_row(library, *cells)
    Console().print(table)


if __name__ == "__main__":
    main()
