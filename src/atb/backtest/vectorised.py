"""The built-in backtest: every bar at once, without a loop.

A prediction made at the close of row t is traded at the next bar's open, t + 1, and held for that
bar; whoever predicts at each bar holds on without trading. Where a model says nothing, as after a
gap, nothing is held: an old forecast is no reason. Over a gap the next bar is the next one there
is. What is held at the end is closed at the last bar's close. Each change of position costs.
`event_driven.py` says the same as a loop over bars and orders.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.backtest import exits, sizing
from atb.backtest.account import keep
from atb.backtest.costs import rates, trailing_volatility
from atb.backtest.hooks import trades
from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.config.trading import TradingSpec
from atb.errors import DataError
from atb.market.bonds.bonds import Bonds
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]


@trades("candles", "bonds")
def run(predictions: Predictions, history: Candles | Bonds, spec: TradingSpec) -> Backtest:
    """Trade predictions on the rows they were made from.

    Args:
        predictions: `[M]`, with rows of this history.
        history: `[N]` bars, or days of a bond.
        spec: threshold, sizing, exits and costs.

    Raises:
        DataError: when no prediction has a bar after it in which it could be traded.
    """
    candles = history.bars()
    first, stop = traded_rows(predictions, candles)
    bars = candles.rows(first, stop)
    volatility = trailing_volatility(candles.close, spec.volatility_bars)
    asked = sizing.positions(predictions, volatility[predictions.rows], candles.timeframe, spec)
    wanted = np.zeros(stop - first)
    fills = predictions.rows + 1 - first
    met = fills < len(wanted)
    wanted[fills[met]] = asked[met]
    paid = rates(bars, volatility[first - 1 : stop - 1], spec.costs)
    account = keep(bars, exits.apply(wanted, bars, spec.exits), paid)
    rival = keep(bars, exits.untouched(np.ones_like(wanted)), paid)
    return Backtest.of(asked, account, rival)


def traded_rows(predictions: Predictions, candles: Candles) -> tuple[int, int]:
    """First row traded in, and the one after the last: those after a prediction's.

    Raises:
        DataError: when there is none.
    """
    fills = predictions.rows + 1
    fills = fills[fills < len(candles)]
    if not len(fills):
        raise DataError(
            f"none of {len(predictions)} predictions has a bar after it to be traded in",
            remedy="give candles that reach further",
        )
    return int(fills[0]), int(fills[-1]) + 1
