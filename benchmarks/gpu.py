"""Training speed of every network in float32 and mixed_bfloat16, and what half precision gains.

    KERAS_BACKEND=tensorflow python benchmarks/gpu.py [--batch 512] [--steps 100] [--json]

Keras alone, on the backend KERAS_BACKEND names (tensorflow, jax or torch), so that it also runs
where TensorFlow is not installed. Each network has its default spec, a window of 60 bars and 31
features and a ternary head, and is fitted with Adam to one batch of noise over and over; each batch
travels from the host's memory to the device as it does in training. An epoch is `--steps` steps;
the first compiles, the median of the next three counts. float32 may be TF32 inside: what a user of
that backend gets is what is measured.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from atb.config.architectures import ARCHITECTURES
from atb.config.optimisation import Regularisation
from atb.config.targets import TernaryTarget
from atb.models.build import network
from atb.training.loss import build as loss

BARS, FEATURES, CLASSES = 60, 31, 3
POLICIES = ("float32", "mixed_bfloat16")
EPOCHS = 3
BACKEND = keras.backend.backend()


class Noise(keras.utils.PyDataset):
    """The same batch of noise at every step."""

    def __init__(self, batch: int, steps: int) -> None:
        super().__init__()
        draw = np.random.default_rng(7)
        windows = draw.standard_normal((batch, BARS, FEATURES), np.float32)
        self.batch = windows, draw.integers(0, CLASSES, (batch, 1)).astype(np.float32)
        self.steps = steps

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.batch


def samples_per_second(name: str, policy: str, batch: int, steps: int) -> tuple[float, int]:
    """Windows a network trains on in a second, and how many parameters it has."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(7)
    keras.config.set_dtype_policy(policy)
    model = network(ARCHITECTURES[name](), TernaryTarget(), (BARS, FEATURES))
    model.compile(
        keras.optimizers.Adam(1e-3),
        loss(CLASSES, Regularisation(), np.zeros((1, 1))),
        jit_compile=BACKEND == "jax",  # as in training: XLA slows recurrence down in TensorFlow
    )
    ends: list[float] = []
    clock = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda _epoch, _logs: ends.append(time.perf_counter())
    )
    model.fit(Noise(batch, steps), epochs=1 + EPOCHS, callbacks=[clock], verbose=0, shuffle=False)
    return batch * steps / float(statistics.median(np.diff(ends))), int(model.count_params())


def measure(names: Sequence[str], batch: int, steps: int) -> list[dict[str, Any]]:
    """One row for each network."""
    rows = []
    for name in names:
        row: dict[str, Any] = {"network": name}
        for policy in POLICIES:
            row[policy], row["parameters"] = samples_per_second(name, policy, batch, steps)
        rows.append(row | {"speed_up": row[POLICIES[1]] / row[POLICIES[0]]})
    return rows


def main() -> None:
    """Train each network in each precision and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(ARCHITECTURES), help="all by default")
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="one line of JSON, no table")
    arguments = parser.parse_args()

    rows = measure(arguments.networks, arguments.batch, arguments.steps)
    if arguments.json:
        print(json.dumps({"backend": BACKEND, "batch": arguments.batch, "networks": rows}))
        return
    table = Table(title=f"windows trained per second, Keras on {BACKEND}, batch {arguments.batch}")
    for column in ("network", "parameters", *POLICIES, "speed-up"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for row in rows:
        cells = [f"{row[column]:,.0f}" for column in ("parameters", *POLICIES)]
        table.add_row(row["network"], *cells, f"{row['speed_up']:.2f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
