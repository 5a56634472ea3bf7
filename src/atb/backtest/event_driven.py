"""The same backtest as a loop over bars, orders and fills: slow, plain, and kept to check by.

Written for reading beside `vectorised.py`, with which it agrees to 1e-9 in every rule; it shares
neither arithmetic nor sizing nor exits with it, only what the figures are measured by. Name it as
`trading.hook` to trade by it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from atb.backtest.account import Account
from atb.backtest.event_sizing import position, volatility
from atb.backtest.exits import REASONS
from atb.backtest.predictions import Predictions
from atb.backtest.result import Backtest
from atb.backtest.vectorised import traded_rows
from atb.config.trading import CostSpec, ExitSpec, TradingSpec
from atb.market.candles import Candles

BASIS_POINT = 0.0001
HOURS_8 = 28_800_000.0


@dataclass(frozen=True)
class Bar:
    """One bar as a trader meets it: times in ms, prices, and the volatility known at its open."""

    opens: int
    until: int
    open: float
    high: float
    low: float
    leave: float
    volatility: float


@dataclass
class Desk:
    """Cash, units of the market, and the position they are meant to be."""

    costs: CostSpec
    exits: ExitSpec
    cash: float = 1.0
    units: float = 0.0
    held: float = 0.0
    side: float = 0.0  # last asked for
    entry: float = 0.0  # price at which that side was taken up
    out: bool = False  # closed by a stop or a take-profit, and waiting for another side

    def worth(self, price: float) -> float:
        """The equity at a price."""
        return max(self.cash + self.units * price, 0.0)

    def order(self, bar: Bar, price: float, target: float) -> float:
        """Trade to a position at a price; what it cost, in money."""
        equity, value = self.worth(price), target - self.held
        fee = self.costs.buy_fee if value > 0 else self.costs.sell_fee
        points = fee + self.costs.spread / 2 + self.costs.slippage
        rate = points * BASIS_POINT
        if not math.isnan(bar.volatility):
            rate += self.costs.slippage_per_volatility * bar.volatility
        cost = min(rate * abs(value), 1.0) * equity
        self.held, self.units = target, target * (equity - cost) / price
        self.cash = equity - cost - self.units * price
        return cost

    def charge(self, bar: Bar) -> float:
        """Pay the funding of a bar; what it cost, in money."""
        share = self.costs.funding * BASIS_POINT * (bar.until - bar.opens) / HOURS_8
        cost = abs(self.units) * bar.open * share
        self.cash -= cost
        return cost

    def level(self, share: float | None, direction: float) -> float | None:
        """The price that is a share of the entry price away in a direction."""
        return None if share is None else self.entry * (1 + direction * share)

    def exit(self, against: float, towards: float) -> tuple[str, float] | None:
        """Which exit is met, and its level, once the market has been at two prices.

        Args:
            against: the worst price for the position.
            towards: the best price for it.
        """
        stop = self.level(self.exits.stop, -self.side)
        if stop is not None and (against - stop) * self.side <= 0:
            return "stop", stop
        gain = self.level(self.exits.take_profit, self.side)
        if gain is not None and (towards - gain) * self.side >= 0:
            return "take_profit", gain
        return None


@dataclass
class Journal:
    """What happened in each bar, written down as it happens."""

    equity: list[float] = field(default_factory=lambda: [1.0])
    position: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)
    reason: list[str] = field(default_factory=list)
    opening: list[float] = field(default_factory=list)
    funding: list[float] = field(default_factory=list)
    closing: list[float] = field(default_factory=list)


def run(predictions: Predictions, candles: Candles, spec: TradingSpec) -> Backtest:
    """Trade predictions on the candles they were made from, one bar after another.

    Args:
        predictions: `[M]`, with rows of these candles.
        candles: `[N]` bars.
        spec: threshold, sizing, exits and costs.

    Raises:
        DataError: when no prediction has a bar after it in which it could be traded.
    """
    first, stop = traded_rows(predictions, candles)
    asked = dict(_asked(predictions, candles, spec))
    wanted = [asked.get(row - 1, 0.0) for row in range(first, stop)]
    bars = list(_bars(candles, first, stop, spec))
    account = trade(bars, wanted, spec.costs, spec.exits)
    rival = trade(bars, [1.0] * len(bars), spec.costs, ExitSpec())
    said = np.array([asked[row] for row in predictions.rows.tolist()])
    return Backtest.of(said, account, rival)


def trade(bars: list[Bar], wanted: list[float], costs: CostSpec, exits: ExitSpec) -> Account:
    """Go from bar to bar: what is asked for at the open, then what happens until the next."""
    desk, journal = Desk(costs, exits), Journal()
    for bar, target in zip(bars, wanted, strict=True):
        _open(desk, journal, bar, target)
        _pass(desk, journal, bar, last=bar is bars[-1])
    return _account(bars, journal)


def _open(desk: Desk, journal: Journal, bar: Bar, target: float) -> None:
    """At the open: a new side is entered, a level the market jumped over is met."""
    side = math.copysign(1.0, target) if target else 0.0
    if side != desk.side:
        desk.side, desk.entry, desk.out = side, bar.open, False
    elif side and not desk.out and (met := desk.exit(bar.open, bar.open)):
        journal.reason[-1], desk.out = met[0], True
    held = 0.0 if desk.out else target
    journal.opening.append(desk.order(bar, bar.open, held))
    journal.position.append(held)


def _pass(desk: Desk, journal: Journal, bar: Bar, *, last: bool) -> None:
    """From the open to the next: funding, exits within the bar, and the end of everything."""
    worst, best = (bar.low, bar.high) if desk.side > 0 else (bar.high, bar.low)
    met = desk.exit(worst, best) if desk.held else None
    ruined = desk.worth(met[1] if met and met[0] == "stop" else worst) == 0
    journal.funding.append(desk.charge(bar))
    if ruined:
        desk.cash = desk.units = 0.0
    reason, price = met or ("signal", bar.leave)
    leaves = last or met is not None
    desk.out = desk.out or met is not None
    journal.closing.append(desk.order(bar, price, 0.0) if leaves else 0.0)
    journal.left.append(price)
    journal.closed.append(leaves)
    journal.reason.append(reason)
    journal.equity.append(desk.worth(price))


def _account(bars: list[Bar], journal: Journal) -> Account:
    return Account(
        time=np.array([bar.opens for bar in bars] + [bars[-1].until], np.int64),
        equity=np.array(journal.equity),
        position=np.array(journal.position),
        entry=np.array([bar.open for bar in bars]),
        left=np.array(journal.left),
        closed=np.array(journal.closed),
        reason=np.array([REASONS.index(reason) for reason in journal.reason], np.int8),
        opening=np.array(journal.opening),
        funding=np.array(journal.funding),
        closing=np.array(journal.closing),
    )


def _asked(
    predictions: Predictions, candles: Candles, spec: TradingSpec
) -> Iterator[tuple[int, float]]:
    """Row and position of each prediction."""
    for row, said in zip(predictions.rows.tolist(), predictions.value.tolist(), strict=True):
        moves = _volatility(candles, row, spec)
        yield row, position(said, predictions.unit, moves, candles.timeframe, spec)


def _volatility(candles: Candles, row: int, spec: TradingSpec) -> float:
    """The trailing volatility known at the close of a row."""
    return volatility(candles.close[max(row - spec.volatility_bars, 0) : row + 1].tolist())


def _bars(candles: Candles, first: int, stop: int, spec: TradingSpec) -> Iterator[Bar]:
    for row in range(first, stop):
        last = row == stop - 1
        yield Bar(
            opens=int(candles.time[row]),
            until=int(candles.close_time[row] if last else candles.time[row + 1]),
            open=float(candles.open[row]),
            high=float(candles.high[row]),
            low=float(candles.low[row]),
            leave=float(candles.close[row] if last else candles.open[row + 1]),
            volatility=_volatility(candles, row - 1, spec),
        )
