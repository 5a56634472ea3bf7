"""Train small networks on one and on two logical CPU devices and write down what came of it.

A script, run by `test_devices.py`, since devices are cut in two before TensorFlow starts:
`two_devices.py FOLDER`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from conftest import SMALL, make

from atb.backend import prepare
from atb.config.architectures import Mlp
from atb.config.optimisation import Hardware, Optimisation, Regularisation, Sgd
from atb.config.targets import ReturnTarget, TernaryTarget

PLAIN = Mlp(dense=(16,), dropout=0.0)
TERNARY = TernaryTarget()
CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "plain": (PLAIN, ReturnTarget(), {}),
    "clipped": (PLAIN, ReturnTarget(), {"optimizer": Sgd(clip_norm=0.05)}),
    "parts": (PLAIN, ReturnTarget(), {"accumulation": 2}),
    "weighted": (PLAIN, TERNARY, {"regularisation": Regularisation(class_weights="balanced")}),
    "half": (PLAIN, ReturnTarget(), {"precision": "mixed_float16"}),
    "random": (SMALL, TERNARY, {"regularisation": Regularisation(jitter=0.3, scaling=0.3)}),
}


def learner(case: str, devices: int, folder: Path) -> Any:
    """The learner of one case."""
    from atb.training.fit import NetworkLearner

    architecture, target, options = CASES[case]
    options = dict(options)
    asked = {name: options.pop(name) for name in ("accumulation", "precision") if name in options}
    hardware = Hardware(devices=devices, **asked)
    spec = Optimisation(
        **{"epochs": 2, "batch": 32, "learning_rate": 0.05, **options}, hardware=hardware
    )
    return NetworkLearner(architecture, target, spec, folder, None)


def copies(variable: Any) -> list[Any]:
    """The values of a variable on each device."""
    value = variable.value
    return [np.asarray(copy) for copy in getattr(value, "values", [value])]


def described(fitted: Any) -> Iterator[tuple[str, Any]]:
    """History, weights and whether all copies of every variable are equal."""
    yield "losses", [[e.loss, e.validation_loss] for e in fitted.history]
    yield "weights", [w.ravel().tolist() for w in fitted.model.get_weights()]
    held = [copies(variable) for variable in fitted.model.variables]
    yield "copies", sorted({len(values) for values in held})
    yield "equal", all(v.tobytes() == values[0].tobytes() for values in held for v in values)
    yield "devices", fitted.means["devices"]


def numbers() -> list[float]:
    """The mean over two devices of what their noise is told, at steps 0, 1 and 2."""
    import keras
    import tensorflow as tf

    from atb.training import devices
    from atb.training.steps import Steps

    strategy = devices.strategy(2)
    with strategy.scope():
        inputs = keras.Input((4, 1))
        taken = keras.layers.Dense(1, kernel_initializer="ones", use_bias=False)(inputs[:, -1])
        network, optimizer = keras.Model(inputs, taken), keras.optimizers.SGD(0.0)
        optimizer.build(network.trainable_variables)
    steps = Steps(
        network,
        optimizer,
        lambda targets, raw: raw[:, 0],
        augment=lambda number, windows: tf.zeros_like(windows) + tf.cast(number, tf.float32),
        strategy=strategy,
    )
    windows, targets = tf.zeros((3, 8, 4, 1)), tf.zeros((3, 8, 1))
    batches = steps.distributed(tf.data.Dataset.from_tensor_slices((windows, targets)))
    runner, source = steps.runner(), iter(batches)
    one, zero = tf.constant(1, tf.int64), tf.constant(0.0, tf.float64)
    return [float(runner(source, tf.constant(n, tf.int64), one, zero)[0]) for n in range(3)]


def resumed(folder: Path, case: str, data: Any) -> dict[str, Any]:
    """A training of two devices that is stopped in its first epoch, then taken up."""
    import os
    import signal

    from atb.errors import StoppedError
    from atb.training.loop import Loop

    advance, calls = Loop._advance, iter(range(100))

    def stopping(loop: Any, batches: Any) -> None:
        advance(loop, batches)
        if next(calls) == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    Loop._advance = stopping
    try:
        learner(case, 2, folder).fit(data)
    except StoppedError as stop:
        said = str(stop)
    Loop._advance = advance
    return {**dict(described(learner(case, 2, folder).fit(data))), "said": said}


def main(folder: Path) -> None:
    """One JSON object: case, then number of devices."""
    prepare(seed=7)
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    made: dict[str, Any] = {}
    for case, (_, target, _) in CASES.items():
        data = make(target)
        for devices in (2,) if case == "random" else (1, 2):
            fitted = learner(case, devices, folder / f"{case}-{devices}").fit(data)
            made[f"{case}-{devices}"] = dict(described(fitted))
    made["numbers"] = numbers()
    made["again"] = resumed(folder / "again", "random", make(TERNARY))
    sys.stdout.write(json.dumps(made))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
