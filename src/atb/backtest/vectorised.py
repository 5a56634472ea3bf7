"""The built-in backtest: every bar at once, without a loop.

A prediction made at the close of row t is traded at the next bar's open, t + 1, and held for that
bar; whoever predicts at each bar holds on without trading. Where a model says nothing, as after a
gap, nothing is held: an old forecast is no reason. Over a gap the next bar is the next one there
is. What is held at the end is closed at the last bar's close. Each change of position costs.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.backtest import costs, sizing
from atb.backtest.performance import Account, measure
from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.config.trading import TradingSpec
from atb.errors import DataError
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]


def run(predictions: Predictions, candles: Candles, spec: TradingSpec) -> Backtest:
    """Trade predictions on the candles they were made from.

    Args:
        predictions: `[M]`, with rows of these candles.
        candles: `[N]` bars.
        spec: positions, threshold and costs.

    Raises:
        DataError: when no prediction has a bar after it in which it could be traded.
    """
    fills = predictions.rows + 1
    fills = fills[fills < len(candles)]
    if not len(fills):
        raise DataError(
            f"none of {len(predictions)} predictions has a bar after it to be traded in",
            remedy="give candles that reach further",
        )
    first, last = int(fills[0]), int(fills[-1])
    bars = candles.rows(first, last + 1)
    position = np.zeros(last + 1 - first)
    wanted = sizing.positions(predictions, spec, candles.timeframe)
    position[fills - first] = wanted[: len(fills)]
    rate = costs.rate(spec)
    traded, held = trade(bars, position, rate), trade(bars, np.ones_like(position), rate)
    return Backtest(
        traded.time, position, traded.equity, held.equity, measure(traded), measure(held)
    )


def trade(bars: Candles, position: Float64, cost_rate: float) -> Account:
    """Hold `position` `[B]` during each of B bars, from open to open; the last to its close.

    The equity is a product, bar after bar, of what trading at the open leaves,
    `1 - cost_rate * traded`, and of `1 + position * return`, with the simple return of the market;
    so a short position is kept at one times the equity. An equity used up stays at zero.
    """
    gross = np.append(bars.open[1:], bars.close[-1]) / bars.open - 1
    traded = costs.traded(position)
    lost = np.minimum(cost_rate * traded, 1.0)
    growth = (1 - lost[:-1]) * np.maximum(1 + position * gross, 0.0)
    before = np.cumprod(np.append(1.0, growth))
    return Account(
        time=np.append(bars.time, bars.close_time[-1]),
        position=position,
        gross=gross,
        equity=np.append(before[:-1], before[-1] * (1 - lost[-1])),
        traded=traded,
        costs=before * lost,
        cost_rate=cost_rate,
    )
