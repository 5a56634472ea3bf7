"""Networks for order books: samples per second in training, and latency of one window.

The parts `training` and `latency` of `lob.py`. Weights are untrained, which does not
change the time. Pin the process to one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import untrained
from rich.console import Console
from rich.table import Table

from atb import backend, presets
from atb.config.training import TrainingConfig
from atb.errors import ConfigError
from atb.market.lob import book
from atb.market.lob.sample import simulate

Take = Callable[[int], float]  # steps to the seconds they take
ROUNDS, WARM_UP = 5, 50


def recipes() -> dict[str, TrainingConfig]:
    """Every preset of a network for books that is trained by descent."""
    every = {name: presets.create_config_from_preset(name, "TEST") for name in presets.names()}
    return {
        name: config
        for name, config in every.items()
        if config.data.kind == "book" and config.model.architecture != "linear"
    }


def table(title: str, *columns: str) -> Table:
    """An empty table with names on the left and figures on the right."""
    made = Table("preset", title=title)
    for column in columns:
        made.add_column(column, justify="right")
    return made


def training(arguments: argparse.Namespace) -> None:
    """Samples per second of each network, interpreted and compiled by XLA, and of PyTorch."""
    backend.prepare(7)
    title = f"samples per second of training, batch {arguments.batch}, best of {ROUNDS}"
    made = table(title, "plain", "jit_compile", "first step s", "compiled s", "PyTorch", "times")
    for name, config in recipes().items():
        if arguments.only and name not in arguments.only:
            continue
        takes = [_steps(config, jit, arguments.batch) for jit in (False, True)]
        first = [_or_none(take) for take in takes]
        works = [take if known else None for take, known in zip(takes, first, strict=True)]
        plain, compiled = _rates(works, arguments)
        torch = _torch_rate(config, arguments)
        ratio = max(plain or 0, compiled or 0) / torch if torch else None
        cells = (plain, compiled, first[0], first[1], torch, ratio)
        digits = (0, 0, 1, 1, 0, 2)
        made.add_row(name, *(_cell(c, d) for c, d in zip(cells, digits, strict=True)))
    Console(width=110).print(made)


def _cell(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"


def _rates(takes: list[Take | None], arguments: argparse.Namespace) -> list[float | None]:
    """Samples per second of each; they take turns, so that other work meets all of them."""
    best: list[float | None] = [None] * len(takes)
    for _ in range(ROUNDS):
        for number, take in enumerate(takes):
            if take is not None:
                rate = arguments.batch * arguments.steps / take(arguments.steps)
                best[number] = max(rate, best[number] or 0.0)
    return best


def _or_none(take: Take) -> float | None:
    """Seconds of the first step, which compiles; None where XLA cannot."""
    try:
        return take(1)
    except ConfigError:
        return None


def _steps(config: TrainingConfig, jit_compile: bool, batch: int) -> Take:
    from atb.training import trial

    hardware = config.training.hardware.model_copy(update={"jit_compile": jit_compile})
    fit = config.training.model_copy(update={"hardware": hardware})
    return trial.runner(config.model_copy(update={"training": fit}), "float32", batch)


def _torch_rate(config: TrainingConfig, arguments: argparse.Namespace) -> float | None:
    """The same of this DeepLOB in PyTorch; None of other networks, or without PyTorch.

    In a process of its own: PyTorch and TensorFlow each register LLVM, which ends a common one.
    """
    if config.model.architecture != "deeplob" or find_spec("torch") is None:
        return None
    spec = config.model
    sizes = (spec.filters, spec.inception, spec.units, len(config.target.horizons), config.window)
    words = [str(word) for word in (*sizes, arguments.batch, arguments.steps, ROUNDS)]
    program = Path(__file__).with_name("torch_deeplob.py")
    done = subprocess.run(
        [sys.executable, str(program), *words], capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def latency(arguments: argparse.Namespace) -> None:
    """Microseconds from a book's rows to probabilities, batch 1, one thread."""
    backend.prepare(7)
    made = table("microseconds from book to signal, batch 1, one thread", "p50", "p99", "rows")
    with tempfile.TemporaryDirectory() as folder:
        for name, config in recipes().items():
            if arguments.only and name not in arguments.only:
                continue
            path = Path(folder) / f"{name}.onnx"
            rows = _export(config, path)
            times = _calls(path, arguments.calls)
            p50, p99 = np.percentile(times, [50, 99]) * 1e6
            made.add_row(name, f"{p50:,.0f}", f"{p99:,.0f}", str(rows))
    Console(width=100).print(made)


def _export(config: TrainingConfig, path: Path) -> int:
    """Write the serving graph of an untrained network; rows it reads."""
    from atb.export.onnx import export

    serving = untrained.serving(config, len(book.columns(10)))
    export(serving, path, {})
    return int(serving.input.shape[1])


def _calls(path: Path, calls: int) -> list[float]:
    """Seconds of each of so many calls with the newest rows of a simulated book."""
    from atb.export.parity import open_session

    session = open_session(path)
    (source,) = session.get_inputs()
    rows = source.shape[1]
    feed = {source.name: simulate("TEST", rows, seed=7).matrix()[np.newaxis]}
    times = []
    for _ in range(WARM_UP + calls):
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return times[WARM_UP:]


def add_parts(parts: Any) -> None:
    """The two parts, with what each can be asked."""
    for job in (training, latency):
        part = parts.add_parser(job.__name__, help=job.__doc__)
        part.add_argument("--only", nargs="*", help="presets; all of them without this")
        part.set_defaults(run=job)
        if job is training:
            part.add_argument("--batch", type=int, default=512)
            part.add_argument("--steps", type=int, default=2)
        else:
            part.add_argument("--calls", type=int, default=2000)
