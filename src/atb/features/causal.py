"""What features are made of: filters, delays, sums and extremes that look back only.

Knows series, not markets. A series is `[batch, time, 1]` float32 that ends with the last bar;
what looks back is shorter at the front by just as many bars, so nothing is ever padded, and
`aligned` series share their end. Averages are finite filters, because a running sum drifts and a
recursion never forgets.
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
_TINY = 1e-30  # below any price or volume but zero


def aligned(*series: Series) -> list[Series]:
    """Series of different lengths cut to the end they share."""
    lengths = [ops.shape(one)[1] for one in series]
    known = all(isinstance(length, int) for length in lengths)
    shortest = min(lengths) if known else ops.min(ops.stack(lengths))
    return [
        one if known and length == shortest else one[:, length - shortest :]
        for one, length in zip(series, lengths, strict=True)
    ]


def delay(series: Series, bars: int) -> Series:
    """The series as it was `bars` bars earlier."""
    return series[:, :-bars]


def difference(series: Series) -> Series:
    """Each value minus the one before."""
    return series[:, 1:] - series[:, :-1]


def fir(series: Series, weights: Weights) -> Series:
    """Weighted sum of the last bars: `sum(weights[k] * series[t - k])`.

    Args:
        series: `[B, T, 1]`.
        weights: `[bars]` or `[bars, F]`, newest bar first.

    Returns:
        `[B, T - bars + 1, F]`.
    """
    kernel = ops.convert_to_tensor(weights[::-1].reshape(len(weights), 1, -1), "float32")
    return ops.conv(series, kernel, padding="valid", data_format="channels_last")


def from_last(change: Series, weights: Weights) -> Series:
    """Weighted sum of how far earlier values lie from the last: `sum(w[k] * (x[t - k] - x[t]))`.

    Taken over changes, so that no large, nearly equal numbers are ever subtracted in float32.

    Args:
        change: `[B, T, 1]` of `x[t] - x[t - 1]`.
        weights: `[bars]` or `[bars, F]` on `x`, newest first.

    Returns:
        `[B, T - bars + 2, F]` in units of `x`.
    """
    older = np.cumsum(weights[::-1], axis=0)[::-1][1:]
    return fir(change, -older)


def deviations(change: Series, bars: int, factor: float = 1.0) -> Series:
    """How far each of the last `bars` values lies from their mean, times a factor.

    Args:
        change: `[B, T, 1]` of `x[t] - x[t - 1]`.
        bars: how many values.
        factor: what each is multiplied by.

    Returns:
        `[B, T - bars + 2, bars]` in units of `x`.
    """
    return from_last(change, factor * (np.eye(bars) - 1 / bars))


def average(filters: Series) -> Series:
    """Mean over filters: `[B, T, F]` to `[B, T, 1]`."""
    return ops.mean(filters, axis=-1, keepdims=True)


def norm(filters: Series) -> Series:
    """Root of the sum of squares over filters: `[B, T, F]` to `[B, T, 1]`."""
    return ops.sqrt(ops.sum(ops.square(filters), axis=-1, keepdims=True))


def total(series: Series, rows: int) -> Series:
    """Sum of the last `rows` values, from halves: as many additions as `rows` has bits.

    Every row adds in the same order, so its bits do not depend on where the series begins.
    """
    if rows == 1:
        return series
    half = total(series, rows // 2)
    both = half[:, rows // 2 :] + delay(half, rows // 2)
    return both if rows % 2 == 0 else both[:, 1:] + delay(series, rows - 1)


def moments(step: Series, within: Series, rows: int) -> tuple[Series, Series]:
    """Mean and variance of the last rows, each of which holds several values.

    Windows are joined two and two from their means and squares (Chan, Golub and LeVeque 1983), so
    no large, nearly equal numbers are subtracted, whatever the level of the values.

    Args:
        step: `[B, T - 1, K]`, by how much each row's mean lies above that of the row before.
        within: `[B, T, K]` variance of each row's values.
        rows: how many rows, a power of two above 1.

    Returns:
        Mean minus that of the last row, and variance of the population, each
        `[B, T - rows + 1, K]`.
    """
    offset, squares = -step / 2, step * step / 2 + within[:, 1:] + delay(within, 1)
    change, joined = step[:, 1:] + delay(step, 1), 2  # over as many rows as are joined
    while joined < rows:
        newer, older, moved = aligned(offset, delay(offset, joined), change)
        gap = (older - moved) - newer
        offset = newer + gap / 2
        squares = squares[:, joined:] + delay(squares, joined) + gap * gap * (joined / 2)
        change = change[:, joined:] + delay(change, joined)
        joined *= 2
    return offset, squares / rows


def highest(series: Series, bars: int) -> Series:
    """The largest of the last `bars` values."""
    return ops.max_pool(series, bars, strides=1, padding="valid", data_format="channels_last")


def lowest(series: Series, bars: int) -> Series:
    """The smallest of the last `bars` values."""
    return -highest(-series, bars)


def relative(part: Series, price: Series) -> Series:
    """`part / price` of positive prices."""
    part, price = aligned(part, price)
    return part / price


def ratio(part: Series, whole: Series) -> Series:
    """`part / whole`, and zero where both are zero.

    The whole must be zero or above 1e-30, and zero only together with the part.
    """
    # Not a tiny number added: graph optimisers may add it to one of the terms first, and lose it.
    return relative(part, ops.maximum(whole, _TINY))


def contrast(a: Series, b: Series) -> Series:
    """`(a - b) / (a + b)` of non-negative values: -1 to 1, the bounded form of `a / b`."""
    a, b = aligned(a, b)
    return ratio(a - b, a + b)


def log_ratio(a: Series, b: Series) -> Series:
    """`ln(a / b)` of positive values.

    The quotient's rounding, at most 6e-8, is no more than that of the float32 prices themselves.
    """
    return ops.log(relative(a, b))


def squash(series: Series) -> Series:
    """`sign(x) ln(1 + |x|)`: linear near zero, heavy tails drawn in."""
    return ops.sign(series) * ops.log(1 + ops.absolute(series))


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
