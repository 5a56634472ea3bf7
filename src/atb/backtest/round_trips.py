"""Round trips at the touch: what each made in ticks, and what they come to.

Knows best prices and positions; nothing of predictions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from atb import bootstrap

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

SEED = 0  # of the intervals
FEWEST_TRADES = 20  # means drawn from fewer vary too little: their interval would be too narrow


@dataclass(frozen=True)
class Quotes:
    """Best prices at E events.

    Attributes:
        ask: `[E]` float64 ticks that a buyer pays.
        bid: `[E]` float64 ticks that a seller gets.
    """

    ask: Float64
    bid: Float64

    @property
    def mid(self) -> Float64:
        """`[E]` float64 ticks half way between them."""
        return (self.ask + self.bid) / 2

    @property
    def spread(self) -> Float64:
        """`[E]` float64 ticks between them."""
        return self.ask - self.bid


@dataclass(frozen=True)
class RoundTrips:
    """T positions of one unit from their opening to their closing.

    Attributes:
        opened: `[T]` int64 event at which it was opened.
        side: `[T]` float64 1 bought first, -1 sold first.
        gross: `[T]` float64 ticks made, after the spread, before fees.
        fees: `[T]` float64 ticks paid for both sides.
        spread: `[T]` float64 ticks of spread paid: half of it at either end.
        held: `[T]` int64 events from one to the other.
    """

    opened: Int64
    side: Float64
    gross: Float64
    fees: Float64
    spread: Float64
    held: Int64

    @property
    def net(self) -> Float64:
        """`[T]` float64 ticks made after the spread and fees."""
        return self.gross - self.fees


@dataclass(frozen=True)
class Profit:
    """Figures of round trips; one that is not defined without any, or for so few, is None.

    Attributes:
        trades: round trips; turning from long to short ends one and begins another.
        gross_ticks_per_trade: mean ticks made, after the spread, before fees.
        gross_ticks_low: lower end of its 95 % block-bootstrap interval; None below 20 trades.
        gross_ticks_high: upper end.
        net_ticks_per_trade: mean ticks made after the spread and fees.
        net_ticks_low: lower end of its 95 % block-bootstrap interval; None below 20 trades.
        net_ticks_high: upper end.
        net_ticks_total: all ticks made after the spread and fees.
        win_rate: share of trades that made more than they cost.
        spread_ticks_per_trade: mean ticks of spread paid.
        fee_ticks_per_trade: mean ticks of fees paid.
        events_per_trade: mean events a position was held.
        exposure: share of the events in which a position is held.
    """

    trades: int
    gross_ticks_per_trade: float | None
    gross_ticks_low: float | None
    gross_ticks_high: float | None
    net_ticks_per_trade: float | None
    net_ticks_low: float | None
    net_ticks_high: float | None
    net_ticks_total: float
    win_rate: float | None
    spread_ticks_per_trade: float | None
    fee_ticks_per_trade: float | None
    events_per_trade: float | None
    exposure: float


def round_trips(quotes: Quotes, position: Float64, fee: float) -> RoundTrips:
    """The round trips of positions that are flat at the end.

    Args:
        quotes: `[E]` best prices.
        position: `[E]` float64 -1, 0 or 1 held from each event to the next; 0 in the last.
        fee: share of the traded value, per side.
    """
    before = np.concatenate([[0.0], position[:-1]])
    changed = position != before
    opened = np.flatnonzero(changed & (position != 0))
    closed = np.flatnonzero(changed & (before != 0))
    side = position[opened]
    paid = np.where(side > 0, quotes.ask[opened], quotes.bid[opened])
    got = np.where(side > 0, quotes.bid[closed], quotes.ask[closed])
    return RoundTrips(
        opened=opened,
        side=side,
        gross=side * (got - paid),
        fees=fee * (paid + got),
        spread=(quotes.spread[opened] + quotes.spread[closed]) / 2,
        held=closed - opened,
    )


def curve(quotes: Quotes, position: Float64, fee: float) -> Float64:
    """Ticks made up to each event `[E]`, what is held counted at the mid price."""
    traded = np.diff(position, prepend=0.0)
    price = np.where(traded > 0, quotes.ask, quotes.bid)
    costs = np.abs(traded) * (quotes.spread / 2 + fee * price)
    moved = np.concatenate([[0.0], position[:-1] * np.diff(quotes.mid)])
    made: Float64 = np.cumsum(moved - costs)
    return made


def measure(trips: RoundTrips, position: Float64) -> Profit:
    """The figures of round trips and of the positions `[E]` they came from."""
    net = trips.net
    gross, after = _mean(trips.gross), _mean(net)
    return Profit(
        len(net),
        *gross,
        *after,
        net_ticks_total=float(net.sum()),
        win_rate=float(np.mean(net > 0)) if len(net) else None,
        spread_ticks_per_trade=float(trips.spread.mean()) if len(net) else None,
        fee_ticks_per_trade=float(trips.fees.mean()) if len(net) else None,
        events_per_trade=float(trips.held.mean()) if len(net) else None,
        exposure=float(np.mean(position != 0)),
    )


def _mean(values: Float64) -> tuple[float | None, float | None, float | None]:
    """The mean and its interval; blocks keep what neighbouring trades share."""
    if not len(values):
        return None, None, None
    if len(values) < FEWEST_TRADES:
        return float(values.mean()), None, None
    block = bootstrap.block_length(len(values), 1)
    samples = bootstrap.resampled_means(values[:, np.newaxis], block, SEED)
    return float(values.mean()), *bootstrap.interval(samples, len(values) / block)
