"""What trading costs at each bar: shares of the value bought, sold and held.

Knows bars and their trailing volatility; nothing of predictions or positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.clock import HOUR_MS
from atb.config.trading import CostSpec
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]

BASIS_POINT = 1e-4
EIGHT_HOURS_MS = 8 * HOUR_MS


@dataclass(frozen=True)
class Rates:
    """Costs at B bars, each known at the bar's open.

    Attributes:
        buy: `[B]` share of the value bought during the bar.
        sell: `[B]` share of the value sold.
        funding: `[B]` share of the value held over the bar, up to the next one's open.
    """

    buy: Float64
    sell: Float64
    funding: Float64


def rates(bars: Candles, volatility: Float64, spec: CostSpec) -> Rates:
    """The costs of trading B bars.

    Args:
        bars: `[B]` bars that are traded.
        volatility: `[B]` of one bar's return, known at the open of each; NaN where there is none
            yet, and no slippage by it.
        spec: fees, spread, slippage and funding.
    """
    moving = spec.slippage_per_volatility * np.nan_to_num(volatility)
    slipped = (spec.spread / 2 + spec.slippage) * BASIS_POINT + moving
    held_ms = np.diff(bars.time, append=bars.close_time[-1:])
    return Rates(
        buy=spec.buy_fee * BASIS_POINT + slipped,
        sell=spec.sell_fee * BASIS_POINT + slipped,
        funding=spec.funding * BASIS_POINT * held_ms / EIGHT_HOURS_MS,
    )


def trailing_volatility(close: Float64, bars: int) -> Float64:
    """Root mean square of the last one-bar log returns at each close, by nothing later.

    Args:
        close: `[N]` closes.
        bars: how many returns it is taken over; fewer where there are no more yet.

    Returns:
        `[N]` float64 per bar; NaN before two returns.
    """
    found, squares = np.full(len(close), np.nan), np.diff(np.log(close)) ** 2
    if len(squares) < 2:
        return found
    sums = np.convolve(squares, np.ones(bars))[: len(squares)]
    found[2:] = np.sqrt(sums / np.minimum(np.arange(1, len(squares) + 1), bars))[1:]
    return found
