"""What features are made of: filters, delays and extremes that look back only.

Knows series, not markets. A series is `[batch, time, 1]` float32 and keeps its length: its first
rows, which would need bars before the first, are made from padding and must be cut off by the
caller. Averages are finite filters, because a running sum drifts and a recursion never forgets.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from keras import ops

Series: TypeAlias = Any
Weights: TypeAlias = npt.NDArray[np.float64]

LOST_WEIGHT = 1e-6
_ENDLESS = 4096


def delay(series: Series, bars: int) -> Series:
    """The series as it was `bars` bars earlier."""
    return ops.pad(series[:, :-bars], [[0, 0], [bars, 0], [0, 0]])


def fir(series: Series, weights: Weights) -> Series:
    """Weighted sum of the last bars: `sum(weights[k] * series[t - k])`.

    Args:
        series: `[B, T, 1]`.
        weights: `[bars]` or `[bars, F]`, newest bar first.

    Returns:
        `[B, T, 1]` or `[B, T, F]`; looks back `bars - 1`.
    """
    kernel = ops.convert_to_tensor(weights[::-1].reshape(len(weights), 1, -1), "float32")
    padded = ops.pad(series, [[0, 0], [len(weights) - 1, 0], [0, 0]])
    return ops.conv(padded, kernel, padding="valid", data_format="channels_last")


def from_last(change: Series, weights: Weights) -> Series:
    """Weighted sum of how far earlier values lie from the last: `sum(w[k] * (x[t - k] - x[t]))`.

    Taken over changes, so that no large, nearly equal numbers are ever subtracted in float32.

    Args:
        change: `[B, T, 1]` of `x[t] - x[t - 1]`.
        weights: `[bars]` or `[bars, F]` on `x`, newest first.

    Returns:
        `[B, T, 1]` or `[B, T, F]` in units of `x`; looks back `bars - 1`.
    """
    older = np.cumsum(weights[::-1], axis=0)[::-1][1:]
    return -fir(change, older)


def highest(series: Series, bars: int) -> Series:
    """The largest of the last `bars` values."""
    padded = ops.pad(series, [[0, 0], [bars - 1, 0], [0, 0]])
    return ops.max_pool(padded, bars, strides=1, padding="valid", data_format="channels_last")


def lowest(series: Series, bars: int) -> Series:
    """The smallest of the last `bars` values."""
    return -highest(-series, bars)


def ratio(part: Series, whole: Series, empty: float = 0.0) -> Series:
    """`part / whole`, and `empty` where the whole is zero. NaN stays NaN."""
    zero = ops.equal(whole, 0.0)
    return ops.where(zero, empty, part / ops.where(zero, 1.0, whole))


def contrast(a: Series, b: Series) -> Series:
    """`(a - b) / (a + b)` of non-negative values: -1 to 1, the bounded form of `a / b`."""
    return ratio(a - b, a + b)


def log_ratio(a: Series, b: Series) -> Series:
    """`ln(a / b)` of positive values.

    By the area tangent of their contrast, which keeps every digit of a small difference; ratios
    beyond 3e7 count as 3e7.
    """
    limit = 1 - 2**-24
    return 2 * ops.arctanh(ops.clip(contrast(a, b), -limit, limit))


def mean(bars: int) -> Weights:
    """Weights of the plain average of `bars` values."""
    return np.full(bars, 1 / bars)


def exponential(factor: float) -> Weights:
    """Weights `factor * (1 - factor) ** k`, practically without end."""
    return np.asarray(factor * (1 - factor) ** np.arange(_ENDLESS), np.float64)


def ema(bars: int) -> Weights:
    """Endless weights of the exponential average of span `bars`: factor `2 / (bars + 1)`."""
    return exponential(2 / (bars + 1))


def wilder(bars: int) -> Weights:
    """Weights of Wilder's average, factor `1 / bars`, cut and summing to one."""
    weights = cut(exponential(1 / bars))
    return np.asarray(weights / weights.sum(), np.float64)


def cut(weights: Weights) -> Weights:
    """The shortest beginning of endless weights that loses less than `LOST_WEIGHT`."""
    lost = np.cumsum(np.abs(weights[::-1]))[::-1]
    return weights[: int(np.argmax(lost < LOST_WEIGHT))]
