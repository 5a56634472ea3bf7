"""Predicted moves cut into classes, so that a forecast of a quantity can be judged as decisions.

Knows numbers and classes, not what made them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


def thresholds(predicted: Float64, actual: Float64) -> tuple[float, float]:
    """The two values between which predictions are flat, from train rows.

    Of the predictions as many are below the first, and above the second, as labels are down, and
    up; fewer where equal predictions stand at them. Where no label is flat, nor is a prediction.

    Args:
        predicted: `[T]` float64 moves predicted at train rows.
        actual: `[T]` float64 classes of these rows: 0 down, 1 flat, 2 up.
    """
    ordered = np.sort(predicted)
    down, up = int(np.sum(actual == 0)), int(np.sum(actual == 2))
    low = np.append(ordered, np.inf)[down]
    high = np.append(-np.inf, ordered)[len(ordered) - up]
    return float(low), float(high)


def classes(predicted: Float64, low: float, high: float) -> Int64:
    """`[M]` int64: 2 above `high`, 0 below `low`, else 1.

    >>> classes(np.array([-2.0, -1.0, 0.5, 1.0, 3.0]), -1.0, 1.0).tolist()
    [0, 1, 1, 1, 2]
    """
    decided: Int64 = 1 + (predicted > high).astype(np.int64) - (predicted < low)
    return decided
