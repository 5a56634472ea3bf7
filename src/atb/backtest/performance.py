"""What an equity curve is worth: return, risk, trades and costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.clock import YEAR_MS

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

SHORTEST_MS = 30 * 86_400_000  # the twelfth power of less than a month says nothing of a year


@dataclass(frozen=True)
class Account:
    """B bars of trading, starting from an equity of 1.

    Attributes:
        time: `[B + 1]` int64 ms UTC: the open of each bar, then the close of the last.
        position: `[B]` held during each bar, in multiples of the equity.
        gross: `[B]` simple return of the market over each bar, as held: open to open.
        equity: `[B + 1]` at those times, before what is traded at that moment; the last is after
            everything is closed.
        traded: `[B + 1]` value traded at those times, in multiples of the equity.
        costs: `[B + 1]` paid at those times, as shares of the equity at the start.
        cost_rate: cost as a share of the traded value.
    """

    time: Int64
    position: Float64
    gross: Float64
    equity: Float64
    traded: Float64
    costs: Float64
    cost_rate: float


@dataclass(frozen=True)
class Performance:
    """Figures of one account; a figure that is not defined is None.

    Attributes:
        total_return: equity at the end less 1.
        annual_return: the constant yearly return that gives it; None below 30 days.
        annual_volatility: standard deviation of the bars' net returns, per square root of a year.
        sharpe: mean over standard deviation of the bars' net returns, per square root of a year,
            without a riskless rate (Sharpe 1994); None when nothing varies.
        max_drawdown: largest loss from a peak, as a share of the peak.
        turnover: value traded, in multiples of the equity at the time.
        trades: positions opened; turning from long to short closes one and opens another, holding
            more or less of one side does not.
        exposure: share of the bars in which a position is held.
        costs_paid: fees and slippage, as a share of the equity at the start.
        win_rate: share of trades that end with more than they cost; None without trades.
    """

    total_return: float
    annual_return: float | None
    annual_volatility: float
    sharpe: float | None
    max_drawdown: float
    turnover: float
    trades: int
    exposure: float
    costs_paid: float
    win_rate: float | None


def measure(account: Account) -> Performance:
    """The figures of one account."""
    elapsed = float(account.time[-1] - account.time[0])
    final = float(account.equity[-1])
    volatility, sharpe = _risk(net_returns(account.equity), elapsed)
    trades = _trade_growth(account)
    return Performance(
        total_return=final - 1,
        annual_return=final ** (YEAR_MS / elapsed) - 1 if elapsed >= SHORTEST_MS else None,
        annual_volatility=volatility,
        sharpe=sharpe,
        max_drawdown=float(np.max(1 - account.equity / np.maximum.accumulate(account.equity))),
        turnover=float(account.traded.sum()),
        trades=len(trades),
        exposure=float(np.mean(account.position != 0)),
        costs_paid=float(account.costs.sum()),
        win_rate=float(np.mean(trades > 1)) if len(trades) else None,
    )


def net_returns(equity: Float64) -> Float64:
    """`[B]` simple returns of an equity curve `[B + 1]`; 0 once it is used up."""
    before, after = equity[:-1], equity[1:]
    return np.divide(after, before, out=np.ones_like(after), where=before > 0) - 1


def _risk(returns: Float64, elapsed_ms: float) -> tuple[float, float | None]:
    """Annual volatility and Sharpe ratio, by the bars that a year of this market has."""
    scale = float(np.sqrt(len(returns) * YEAR_MS / elapsed_ms))
    deviation = float(returns.std())
    sharpe = float(returns.mean()) / deviation * scale if deviation > 0 else None
    return deviation * scale, sharpe


def _trade_growth(account: Account) -> Float64:
    """What each trade made of the equity it was opened with, after its own costs.

    These are the two sides of the trade and every change of its size in between.
    """
    side = np.sign(account.position)
    opened = np.diff(side, prepend=0.0) != 0
    starts = np.flatnonzero(opened)
    if not len(starts):
        return np.empty(0)
    resized = np.where(opened, 0.0, account.traded[:-1])
    kept = np.maximum(1 - account.cost_rate * resized, 0.0)
    moved = np.maximum(1 + account.position * account.gross, 0.0)
    growth = np.multiply.reduceat(moved * kept, starts)
    ends = np.append(starts[1:], len(side)) - 1
    sides = [np.abs(account.position[rows]) for rows in (starts, ends)]
    entry, leave = (np.maximum(1 - account.cost_rate * size, 0.0) for size in sides)
    result: Float64 = (growth * (entry * leave))[side[starts] != 0]
    return result
