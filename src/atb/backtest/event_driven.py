"""The same backtest as a loop over bars, orders and fills: slow, plain, and kept to check by.

Written for reading beside `vectorised.py`, with which it agrees to 1e-9 in every rule; it shares
neither arithmetic nor sizing nor exits with it, only what the figures are measured by. Its steps
are those of a live paper account, see `desk.py`. Name it as `trading.hook` to trade by it.
"""

from __future__ import annotations

import numpy as np

from atb.backtest.account import Account
from atb.backtest.desk import Desk, Passed
from atb.backtest.event_sizing import Trailing, position
from atb.backtest.exits import REASONS
from atb.backtest.hooks import trades
from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.backtest.vectorised import traded_rows
from atb.config.trading import ExitSpec, TradingSpec
from atb.market.bonds.bonds import Bonds
from atb.market.candles import Candles


@trades("candles", "bonds")
def run(predictions: Predictions, history: Candles | Bonds, spec: TradingSpec) -> Backtest:
    """Trade predictions on the rows they were made from, one bar after another.

    Args:
        predictions: `[M]`, with rows of this history.
        history: `[N]` bars, or days of a bond.
        spec: threshold, sizing, exits and costs.

    Raises:
        DataError: when no prediction has a bar after it in which it could be traded.
    """
    candles = history.bars()
    first, stop = traded_rows(predictions, candles)
    moves = _volatilities(candles, spec)
    asked = {
        row: position(said, predictions.unit, moves[row], candles.timeframe, spec)
        for row, said in zip(predictions.rows.tolist(), predictions.value.tolist(), strict=True)
    }
    wanted = [asked.get(row - 1, 0.0) for row in range(first, stop)]
    bars, known = candles.rows(first, stop), moves[first - 1 : stop - 1]
    account = trade(Desk(spec.costs, spec.exits), bars, known, wanted)
    rival = trade(Desk(spec.costs, ExitSpec()), bars, known, [1.0] * len(bars))
    return Backtest.of(np.array(list(asked.values())), account, rival)


def trade(desk: Desk, bars: Candles, volatility: list[float], wanted: list[float]) -> Account:
    """Go from bar to bar, and close everything at the end.

    Args:
        desk: a new one.
        bars: `[B]`, at least one.
        volatility: `[B]` of one bar's return, known at each open; NaN where there is none yet.
        wanted: `[B]` position from each open on, in multiples of the equity.
    """
    passed = [
        desk.take(bars.bar(number), volatility[number], wanted[number])
        for number in range(len(bars))
    ]
    passed.append(desk.end(int(bars.close_time[-1])))
    return _account([one for one in passed if one])


def _account(passed: list[Passed]) -> Account:
    return Account(
        time=np.array([one.opens for one in passed] + [passed[-1].until], np.int64),
        equity=np.array([1.0] + [one.equity for one in passed]),
        position=np.array([one.position for one in passed]),
        entry=np.array([one.entry for one in passed]),
        left=np.array([one.left for one in passed]),
        closed=np.array([one.closed for one in passed]),
        reason=np.array([REASONS.index(one.reason) for one in passed], np.int8),
        opening=np.array([one.opening for one in passed]),
        funding=np.array([one.funding for one in passed]),
        closing=np.array([one.closing for one in passed]),
    )


def _volatilities(candles: Candles, spec: TradingSpec) -> list[float]:
    """`[N]` the trailing volatility known at each close."""
    trailing = Trailing(spec.volatility_bars)
    return [trailing.take(close) for close in candles.close.tolist()]
