"""What a network of joined parts says of a dataset's windows, batch after batch.

Knows networks by their input and output.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from atb.dataset.build import Dataset
from atb.dataset.windows import Windows

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

BATCH = 256  # windows predicted at a time


def predictor(network: Any, dataset: Dataset) -> Callable[[Int64], Float64]:
    """Window ends `[M]` to the outputs `[M, W]` float64 of a Keras model with one output."""
    windows = Windows(dataset.matrix, dataset.target, dataset.window)

    def predict(ends: Int64) -> Float64:
        parts = [network.predict_on_batch(batch) for batch, _ in windows.in_order(ends, BATCH)]
        return np.concatenate(parts).astype(np.float64)

    return predict
