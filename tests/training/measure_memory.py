"""Run by itself: how much the resident memory of this process grows in one training step.

Arguments: preset, architecture, batch, policy. Prints the measured bytes and the estimate's parts.
TensorFlow keeps what it once allocated, so windows and weights must be small beside what the step
takes, or it would find room where they were made.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from atb import backend
from atb.presets import create_config_from_preset

WARM_UP = 16


def status(field: str) -> int:
    """Bytes of a field of this process's account."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def main(preset: str, architecture: str, batch: int, policy: str) -> None:
    """Take steps of a few windows, so that all is traced and allocated, then one of `batch`."""
    backend.prepare(seed=7)
    import tensorflow as tf

    from atb.training import memory, trial

    config = create_config_from_preset(preset, "BTCUSDT", model_type=architecture)
    steps = trial.steps(config, policy)
    run = steps.runner()

    def batches(size: int) -> tf.data.Dataset:
        windows = tf.random.stateless_normal((size, *trial.shape(config)), seed=(0, 0))
        targets = tf.zeros((size, len(config.target.horizons)))
        return tf.data.Dataset.from_tensors((windows, targets))

    data = iter(batches(WARM_UP).repeat(3).concatenate(batches(batch)))
    zero, total = tf.zeros((), tf.int64), tf.zeros((), tf.float64)
    run(data, zero, tf.constant(3, tf.int64), total)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = status("VmRSS")
    run(data, zero, tf.constant(1, tf.int64), total)
    measured = status("VmHWM") - before
    need = memory.estimate(config, policy, batch)
    sys.stdout.write(json.dumps({"measured": measured, **need.to_json()}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
