"""How long 1,000 symbols x 5 recipes take with 1 to 512 workers, and what holds them up.

    python benchmarks/scale.py --candles BTCUSDT_1h.feather [--seconds fast=88 balanced=150 ...]

What comes with each job is measured here: what a real Dask scheduler with two workers takes for a
task that does nothing, how long the start of a job's own processes takes, how long a run holds the
lock that all runs share, how large its rows are. The rest is simulated: jobs take the seconds
given, spread as early stopping spreads them, some a straggler's; the scheduler, the lock and the
network serve one job after another.
"""

from __future__ import annotations

import argparse
import heapq
import importlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from atb import presets, runs
from atb.events import Listener, silent
from atb.fleet.engines import names
from atb.fleet.job import Job
from atb.market.access import load_history
from atb.runs import Recipe
from atb.workspace import Workspace

WORKERS = (1, 8, 64, 512)
# epochs x seconds of an epoch, and all other stages, as docs/log.md has them
SECONDS = {"fast": 81.0, "balanced": 142.0, "legacy": 296.0, "quality": 672.0, "lstm": 150.0}
MODEL_BYTES = 1_500_000  # of a balanced model's folder
SPREAD = 0.25  # standard deviation of the logarithm of a job's seconds
SLOW_SHARE, SLOW_TIMES = 0.01, 3.0  # stragglers
TASKS, STARTS, LOCKS = 1000, 10, 10  # what is measured how often


@dataclass(frozen=True)
class Costs:
    """What comes with each job.

    Attributes:
        scheduler: seconds of the scheduler.
        start: seconds until a job's own processes run.
        lock: seconds that a run holds the lock of all runs.
        network: seconds that rows and model take on the network they share.
    """

    scheduler: float
    start: float
    lock: float
    network: float


@dataclass(frozen=True)
class Simulated:
    """How a fleet of so many workers fared.

    Attributes:
        seconds: from the first job's beginning to the last one's end.
        tail: of them, after the last job was begun.
        work: seconds that all jobs took themselves.
        busy: seconds of each thing that serves one job after another.
    """

    seconds: float
    tail: float
    work: float
    busy: Mapping[str, float]


def simulate(jobs: Sequence[float], workers: int, costs: Costs) -> Simulated:
    """Give each job to the next free worker; the rest waits its turn."""
    free = {"scheduler": 0.0, "network": 0.0, "lock": 0.0}
    busy = dict.fromkeys(free, 0.0)

    def served(by: str, now: float, seconds: float) -> float:
        free[by] = max(free[by], now) + seconds
        busy[by] += seconds
        return free[by]

    waiting = iter(jobs)
    moments = [(0.0, worker, "idle") for worker in range(min(workers, len(jobs)))]
    last_begun = end = 0.0
    while moments:
        now, worker, state = heapq.heappop(moments)
        if state == "idle":
            end = max(end, now)
            if (seconds := next(waiting, None)) is None:
                continue
            last_begun = now
            began = served("scheduler", now, costs.scheduler) + costs.start
            heapq.heappush(moments, (began, worker, f"begun {seconds}"))
        elif state.startswith("begun"):
            rows = served("network", now, costs.network / 2)
            heapq.heappush(moments, (rows, worker, state.replace("begun", "rows")))
        elif state.startswith("rows"):
            taught = served("lock", now, costs.lock) + float(state.split()[1])
            heapq.heappush(moments, (taught, worker, "trained"))
        else:
            kept = served("network", now, costs.network / 2)
            heapq.heappush(moments, (kept, worker, "idle"))
    return Simulated(end, end - last_begun, sum(jobs), busy)


def drawn(symbols: int, seconds: Mapping[str, float], seed: int) -> list[float]:
    """Seconds of each job, one symbol after another."""
    luck = np.random.default_rng(seed)
    mean = np.tile(list(seconds.values()), symbols)
    spread = luck.lognormal(-(SPREAD**2) / 2, SPREAD, len(mean))
    slow = np.where(luck.random(len(mean)) < SLOW_SHARE, SLOW_TIMES, 1.0)
    return list((mean * spread * slow).tolist())


def nothing(listen: Listener) -> None:
    """A job that does nothing."""


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a Dask scheduler with two workers of a thread each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
    address, dask = f"tcp://127.0.0.1:{port}", [sys.executable, "-m", "distributed.cli.dask_"]
    worker = [*dask[:2], f"{dask[2]}worker", address, "--nthreads", "1", "--no-dashboard"]
    scheduler = [*dask[:2], f"{dask[2]}scheduler", "--port", port, "--no-dashboard"]
    here = str(Path(__file__).resolve().parent)
    with ExitStack() as ended:
        for command in (scheduler, worker, worker):
            process = subprocess.Popen(
                command, stderr=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": here}
            )
            ended.callback(process.wait)
            ended.callback(process.terminate)
        yield address


def of_dask() -> tuple[float, float]:
    """Seconds of the scheduler for a task, and until a job's own processes run."""
    from distributed import Client

    known = importlib.import_module(Path(__file__).stem)  # as workers know it
    with cluster() as address, Client(address, set_as_default=False) as client:
        client.wait_for_workers(2)
        start = time.perf_counter()
        client.gather(client.map(_identity, range(TASKS)))
        task = (time.perf_counter() - start) / TASKS
        jobs = [Job(f"nothing-{number}", known.nothing) for number in range(STARTS)]
        with tempfile.TemporaryDirectory() as logs:
            start = time.perf_counter()
            outcomes = names.engine("dask", None, address).run(jobs, Path(logs), silent)
            each = 2 * (time.perf_counter() - start) / STARTS
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return task, each


def _identity(number: int) -> int:
    return number


def of_run(candles: Path) -> tuple[float, int]:
    """Seconds that beginning a run takes, all under the lock of all runs; bytes of its rows."""
    config = presets.create_config_from_preset("balanced", "BTCUSDT", candles=candles)
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        recipe = Recipe(config, load_history("BTCUSDT", config.data, workspace, silent), {})
        took = []
        for number in range(LOCKS):
            start = time.perf_counter()
            run = runs.start(workspace, f"run-{number}", recipe)
            took.append(time.perf_counter() - start)
        rows = max(one.stat().st_size for one in run.path.rglob("*") if one.is_file())
    return statistics.median(took), rows


def main() -> None:
    """Measure what can be measured here, simulate the rest and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--candles", type=Path, required=True)
    parser.add_argument("--symbols", type=int, default=1000)
    parser.add_argument("--seconds", nargs="+", default=[f"{k}={v}" for k, v in SECONDS.items()])
    parser.add_argument("--gigabits", type=float, default=1.0, help="a second, of the network")
    parser.add_argument("--slower", type=float, default=1.0, help="times, the lock's file system")
    given = parser.parse_args()

    seconds = {one.split("=")[0]: float(one.split("=")[1]) for one in given.seconds}
    task, start = of_dask()
    lock, rows = of_run(given.candles)
    moved = 2 * rows + MODEL_BYTES  # read, kept with the run; and the model
    costs = Costs(task, start, lock * given.slower, moved * 8 / (given.gigabits * 1e9))
    jobs = drawn(given.symbols, seconds, seed=1)
    _show(jobs, costs, f"{given.symbols:,} symbols x {', '.join(given.seconds)} s")


def _show(jobs: list[float], costs: Costs, title: str) -> None:
    said = ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in vars(costs).items())
    table = Table(title=f"{title}\neach job: {said}")
    names_of = ("scheduler", "lock", "network")
    columns = ("workers", "hours", "speed-up", "workers busy, %", "tail, %", "longest first, hours")
    for column in (*columns, *(f"{name} busy, %" for name in names_of)):
        table.add_column(column, justify="right")
    for workers in WORKERS:
        found = simulate(jobs, workers, costs)
        sorted_ = simulate(sorted(jobs, reverse=True), workers, costs)
        shares = (found.work / workers, found.tail, *(found.busy[name] for name in names_of))
        busy, tail, *served = (f"{100 * share / found.seconds:.1f}" for share in shares)
        hours, better = (f"{one.seconds / 3600:.2f}" for one in (found, sorted_))
        speed = f"{found.work / found.seconds:.1f}"
        table.add_row(str(workers), hours, speed, busy, tail, better, *served)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
