"""The account of one strategy: equity, what was traded, what it cost, and its trades.

Knows bars, what is held during them and what that costs; nothing of predictions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb.backtest.costs import Rates
from atb.backtest.exits import END, SIGNAL, STOP, Holdings
from atb.market.candles import Candles

Float64 = npt.NDArray[np.float64]
Int8 = npt.NDArray[np.int8]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Account:
    """B bars of trading, starting from an equity of 1. Money is in shares of that.

    Attributes:
        time: `[B + 1]` int64 ms UTC: the open of each bar, then the close of the last.
        equity: `[B + 1]` at those times, before what is traded at that moment; the last is after
            everything is closed.
        position: `[B]` held from each open, in multiples of the equity.
        entry: `[B]` price at each open.
        left: `[B]` price at which the bar is left: the next open, the price at which the position
            is closed within the bar, or the close of the last.
        closed: `[B]` whether the position is closed before the next open.
        reason: `[B]` int8 number of `exits.REASONS`, of the trade that ends with the bar.
        opening: `[B]` money paid for what is traded at the open.
        funding: `[B]` money paid for what is held.
        closing: `[B]` money paid for what is closed within the bar, or at the end.
    """

    time: Int64
    equity: Float64
    position: Float64
    entry: Float64
    left: Float64
    closed: Bool
    reason: Int8
    opening: Float64
    funding: Float64
    closing: Float64

    @property
    def before(self) -> Float64:
        """`[B]` position just before each open."""
        return before(self.position, self.closed)

    @property
    def traded(self) -> float:
        """Value traded, in multiples of the equity at the time."""
        changed = np.abs(self.position - self.before).sum()
        return float(changed + np.abs(self.position[self.closed]).sum())

    @property
    def costs(self) -> float:
        """Money paid in all."""
        return float(self.opening.sum() + self.funding.sum() + self.closing.sum())


def before(position: Float64, closed: Bool) -> Float64:
    """`[B]` position just before each open: what the last bar left, nothing before the first."""
    carried = np.where(closed, 0.0, position)
    return np.concatenate([[0.0], carried[:-1]])


def keep(bars: Candles, held: Holdings, rates: Rates) -> Account:
    """Hold positions over B bars, from open to open; the last to its close.

    The equity is a product, bar after bar, of what trading at the open leaves,
    `1 - rate * traded`, of `1 + position * return - |position| * funding` with the simple return of
    the market, and of what closing within the bar leaves. So a position is kept at its multiple of
    the equity, and to bring it back there costs nothing. An equity that is used up, be it by the
    worst price within a bar, stays at zero.
    """
    until = np.append(bars.open[1:], bars.close[-1])
    left = np.where(np.isnan(held.exit), until, held.exit)
    closed = ~np.isnan(held.exit)
    closed[-1] = True
    position, size = held.position, np.abs(held.position)
    change = position - before(position, closed)
    entering = np.maximum(change, 0) * rates.buy + np.maximum(-change, 0) * rates.sell
    leaving = size * np.where(position > 0, rates.sell, rates.buy) * closed
    opening, closing = np.minimum(entering, 1.0), np.minimum(leaving, 1.0)
    moved = np.maximum(1 + position * (left / bars.open - 1) - size * rates.funding, 0.0)
    moved[1 + position * (_worst(bars, held) / bars.open - 1) <= 0] = 0.0
    equity = np.cumprod(np.append(1.0, (1 - opening) * moved * (1 - closing)))
    ready = equity[:-1] * (1 - opening)
    return Account(
        time=np.append(bars.time, bars.close_time[-1]),
        equity=equity,
        position=position,
        entry=np.asarray(bars.open),
        left=left,
        closed=closed,
        reason=held.reason,
        opening=equity[:-1] * opening,
        funding=ready * size * rates.funding,
        closing=ready * moved * closing,
    )


def _worst(bars: Candles, held: Holdings) -> Float64:
    """`[B]` the worst price for what is held in each bar; behind a stop nothing is held."""
    worst = np.where(held.position > 0, bars.low, bars.high)
    stopped = (held.reason == STOP) & ~np.isnan(held.exit)
    return np.where(stopped, held.exit, worst)


@dataclass(frozen=True)
class Trades:
    """T trades: each one side of the market from its opening to its closing.

    Turning from long to short closes one trade and opens another; holding more or less of one side
    does not.

    Attributes:
        first: `[T]` int64 bar at whose open it was opened.
        last: `[T]` int64 bar with which it ended: within it, or at the open after it.
        side: `[T]` 1 long, -1 short.
        entry: `[T]` price at which it was opened.
        exit: `[T]` price at which it was closed.
        profit: `[T]` money made net of its costs; together they are what the account made.
        result: `[T]` profit as a share of the equity before it was opened.
        reason: `[T]` int8 number of `exits.REASONS`.
    """

    first: Int64
    last: Int64
    side: Float64
    entry: Float64
    exit: Float64
    profit: Float64
    result: Float64
    reason: Int8

    def __len__(self) -> int:
        """Number of trades."""
        return len(self.first)


def trades(account: Account) -> Trades:
    """The trades of an account, each with its own share of the costs."""
    side = np.sign(account.position)
    first = np.flatnonzero((side != 0) & (side != np.sign(account.before)))
    following = np.append(side[1:], 0.0)
    last = np.flatnonzero((side != 0) & (account.closed | (side != following)))
    profit = np.add.reduceat(_made(account), first) if len(first) else np.empty(0)
    equity = account.equity[first]
    reason = account.reason[last]
    at_the_end = (last == len(side) - 1) & (reason == SIGNAL)
    return Trades(
        first=first,
        last=last,
        side=side[first],
        entry=account.entry[first],
        exit=account.left[last],
        profit=profit,
        result=np.divide(profit, equity, out=np.zeros_like(profit), where=equity > 0),
        reason=np.where(at_the_end, END, reason).astype(np.int8),
    )


def _made(account: Account) -> Float64:
    """`[B]` money made by what is held in each bar, with the cost of leaving it at the next open.

    What a change of side costs at an open is shared by the trade that ends there and the one that
    begins, by their sizes; both are one order at one price.
    """
    position, earlier = account.position, account.before
    ends = np.sign(position) != np.sign(earlier)
    sizes = np.abs(position) + np.abs(earlier)
    share = np.divide(np.abs(earlier), sizes, out=np.zeros_like(sizes), where=ends & (sizes > 0))
    leaving = account.opening * share
    made: Float64 = np.diff(account.equity) + leaving
    made[:-1] -= leaving[1:]
    return made
