"""What an equity curve is worth: return, risk, trades and costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.backtest.account import Account, Trades, trades
from atb.clock import DAY_MS, YEAR_MS

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

SHORTEST_MS = 30 * DAY_MS  # the twelfth power of less than a month says nothing of a year
ROUNDING = 1e-12  # what varies by less than this share of its mean does not vary


@dataclass(frozen=True)
class Performance:
    """Figures of one account; a figure that is not defined is None, never NaN.

    A year has the bars that this market had in the period. No riskless rate is taken off.

    Attributes:
        total_return: equity at the end less 1.
        annual_return: the constant yearly return that gives it (compound annual growth rate); None
            below 30 days.
        annual_volatility: standard deviation of the bars' net returns, per square root of a year.
        sharpe: mean over standard deviation of the bars' net returns, per square root of a year
            (Sharpe 1994); None when nothing varies.
        sortino: mean over the root mean square of the losses, gains counting as 0, per square root
            of a year (Sortino and van der Meer 1991, target 0); None without a loss.
        calmar: annual return over the largest drawdown (Young 1991); None without either.
        max_drawdown: largest loss from a peak, as a share of the peak.
        drawdown_days: longest time from a peak until the equity is there again, or the end.
        turnover: value traded, in multiples of the equity at the time.
        trades: positions opened; turning from long to short closes one and opens another, holding
            more or less of one side does not.
        exposure: share of the bars in which a position is held.
        costs_paid: fees, spread, slippage and funding, as a share of the equity at the start.
        cost_share: costs paid over what was made before costs; None where nothing was.
        win_rate: share of trades that end with more than they cost; None without trades.
        hit_rate: share of the bars with a position that end with a gain; None without any.
        profit_factor: what winning trades made over what the others lost; None where none lost.
    """

    total_return: float
    annual_return: float | None
    annual_volatility: float
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float
    drawdown_days: float
    turnover: float
    trades: int
    exposure: float
    costs_paid: float
    cost_share: float | None
    win_rate: float | None
    hit_rate: float | None
    profit_factor: float | None


def measure(account: Account) -> Performance:
    """The figures of one account."""
    final, held = float(account.equity[-1]), account.position != 0
    returns, made = net_returns(account.equity), trades(account)
    annual, fallen = _annual_return(account), _drawdown(account.equity)
    scale = math.sqrt(bars_per_year(account.time))
    return Performance(
        total_return=final - 1,
        annual_return=annual,
        annual_volatility=float(returns.std()) * scale,
        sharpe=_scaled(returns.mean(), returns.std(), scale),
        sortino=_scaled(returns.mean(), np.sqrt(np.mean(np.minimum(returns, 0) ** 2)), scale),
        calmar=annual / fallen if annual is not None and fallen > 0 else None,
        max_drawdown=fallen,
        drawdown_days=_longest_drawdown(account.time, account.equity) / DAY_MS,
        turnover=account.traded,
        trades=len(made),
        exposure=float(np.mean(held)),
        costs_paid=account.costs,
        cost_share=_over(account.costs, final - 1 + account.costs),
        win_rate=float(np.mean(made.profit > 0)) if len(made) else None,
        hit_rate=float(np.mean(returns[held] > 0)) if held.any() else None,
        profit_factor=_profit_factor(made),
    )


def net_returns(equity: Float64) -> Float64:
    """`[B]` simple returns of an equity curve `[B + 1]`; 0 once it is used up."""
    before, after = equity[:-1], equity[1:]
    return np.divide(after, before, out=np.ones_like(after), where=before > 0) - 1


def bars_per_year(time: Int64) -> float:
    """Bars that a year of this market has, by the times `[B + 1]` between which B bars lie."""
    return (len(time) - 1) * YEAR_MS / float(time[-1] - time[0])


def _annual_return(account: Account) -> float | None:
    """None below 30 days, and where it is beyond what a float can hold."""
    elapsed = float(account.time[-1] - account.time[0])
    if elapsed < SHORTEST_MS:
        return None
    with np.errstate(over="ignore"):
        annual = float(account.equity[-1] ** (YEAR_MS / elapsed)) - 1
    return annual if math.isfinite(annual) else None


def _scaled(mean: float, deviation: float, scale: float) -> float | None:
    return float(mean / deviation * scale) if deviation > ROUNDING * abs(mean) else None


def _drawdown(equity: Float64) -> float:
    return float(np.max(1 - equity / np.maximum.accumulate(equity)))


def _longest_drawdown(time: Int64, equity: Float64) -> float:
    """Milliseconds from a peak to the next time the equity is there again, or to the end."""
    peaks = np.flatnonzero(equity >= np.maximum.accumulate(equity))
    waits = np.diff(time[peaks], append=time[-1])
    fell = np.diff(peaks, append=len(equity)) > 1  # something between them, below the first
    return float(waits[fell].max()) if fell.any() else 0.0


def _over(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _profit_factor(made: Trades) -> float | None:
    lost = float(-made.profit[made.profit < 0].sum())
    return _over(float(made.profit[made.profit > 0].sum()), lost)
