"""The smallest step of prices, told from the prices themselves.

It knows numbers only, neither files nor markets.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from atb.market.lob.book import Float64, Int64

MAX_DECIMALS = 10
_LARGE = 2.0**53  # float64 counts no further
_ROUNDING = 2.0**-51  # of a number and of its products, in float64
_FIRST = 1_000  # numbers that usually settle the divisor of all


def tick_of(prices: Sequence[Float64], rounding: float = 0.0) -> float | None:
    """The greatest step of which all finite prices are whole multiples, None where there is none.

    It is their greatest common divisor at the fewest decimals, `MAX_DECIMALS` at most, at which
    each is whole but for the rounding of its own number format. Few prices, or prices that keep to
    a coarser grid than their market's, tell a step that is a multiple of the market's.

    Args:
        prices: arrays of one price list, any shapes.
        rounding: relative error of a coarser format they were kept in, 2**-24 for float32.

    >>> tick_of([np.array([4500.25, 4501.0]), np.array([4499.75])])
    0.25
    """
    finite = [part[np.isfinite(part)] for part in prices]
    if any((np.abs(part) >= _LARGE).any() for part in finite):
        return None
    for decimals in range(MAX_DECIMALS + 1):
        scale = 10.0**decimals
        if all(_whole(part * scale, rounding) for part in finite):
            divisor = 0
            for part in finite:
                divisor = _divisor(np.rint(part * scale).astype(np.int64), divisor)
            return divisor / scale if divisor else None
    return None


def _whole(scaled: Float64, rounding: float) -> bool:
    size = np.abs(scaled)
    allowed = size * (rounding + _ROUNDING)
    return bool(np.all((np.abs(scaled - np.rint(scaled)) <= allowed) & (size < _LARGE)))


def _divisor(numbers: Int64, known: int) -> int:
    """Greatest common divisor of the numbers and of the `known` one, 0 for none yet."""
    divisor = int(np.gcd.reduce(numbers[:_FIRST], initial=known))
    if divisor == 0:
        return int(np.gcd.reduce(numbers, initial=0))
    return int(np.gcd.reduce(numbers[numbers % divisor != 0], initial=divisor))
