"""Threads, determinism and log level, set before TensorFlow is first imported.

The only place that knows TensorFlow's environment variables and switches.
"""

from __future__ import annotations

import os

from atb.extras import require


def prepare(seed: int, threads: int = 1) -> None:
    """Import TensorFlow quietly, pinned to `threads` threads, deterministic, seeded.

    Small recurrent networks train no faster on a second core, so one thread is the default and
    models run side by side instead. May be called again in the same process with the same threads.

    Raises:
        ResourceError: when the `train` extra is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    tensorflow = require("tensorflow", extra="train")
    keras = require("keras", extra="train")

    tensorflow.get_logger().setLevel("ERROR")
    tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    tensorflow.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
