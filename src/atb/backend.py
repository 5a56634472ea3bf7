"""Threads, determinism and log level, set before TensorFlow is first imported.

The only place that knows TensorFlow's environment variables and switches.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atb.errors import ResourceError
from atb.extras import require


def prepare(seed: int, threads: int = 1) -> None:
    """Import TensorFlow quietly, pinned to `threads` threads, deterministic, seeded.

    Small recurrent networks train no faster on a second core, so one thread is the default and
    models run side by side instead. May be called again in the same process with the same threads.

    Raises:
        ResourceError: when the `train` extra is not installed, or TensorFlow already runs with
            other threads.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ["KERAS_BACKEND"] = "tensorflow"
    with _native_stderr_closed():
        tensorflow = require("tensorflow", extra="train")
        keras = require("keras", extra="train")

    tensorflow.get_logger().setLevel("ERROR")
    try:
        tensorflow.config.threading.set_intra_op_parallelism_threads(threads)
        tensorflow.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError as error:
        raise ResourceError(
            f"TensorFlow already runs in this process with other than {threads} threads",
            remedy="train before using TensorFlow, or in a process of its own",
        ) from error
    tensorflow.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


@contextmanager
def _native_stderr_closed() -> Iterator[None]:
    """Send what native code writes to descriptor 2 nowhere.

    TensorFlow's libraries report missing GPU drivers there before any log level is read. Python's
    own errors are exceptions and are not touched.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
