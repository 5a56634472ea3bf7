"""One trader's desk, bar by bar: orders at the open, exits within the bar, funding until the next.

The steps that the event-driven backtest and a paper account both take. A bar ends where the next
one opens, which is known only when that one has come: so `take` finishes the bar before. It shares
no arithmetic with the engine without a loop, and knows nothing of predictions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from atb.market.candle import Candle

if TYPE_CHECKING:
    from atb.config.trading import CostSpec, ExitSpec

BASIS_POINT = 0.0001
HOURS_8 = 28_800_000.0


@dataclass(frozen=True)
class Passed:
    """What became of one bar, from its open to the next. Money is in shares of the first equity.

    Attributes:
        opens: ms UTC.
        until: ms UTC, open of the next bar, or the close of the last.
        position: held from the open, in multiples of the equity.
        entry: price at the open.
        left: price at which the bar was left: the next open, that of an exit, or the last close.
        closed: whether the position was closed before the next open.
        reason: a name of `exits.REASONS`, of the trade that ends with the bar, if one does.
        opening: paid for what was traded at the open.
        funding: paid for what was held.
        closing: paid for what was closed within the bar, or at the end.
        equity: when it was left, before what is traded at that moment.
    """

    opens: int
    until: int
    position: float
    entry: float
    left: float
    closed: bool
    reason: str
    opening: float
    funding: float
    closing: float
    equity: float


@dataclass
class Desk:
    """Cash, units of the market, the position they are meant to be, and the bar under way.

    Attributes:
        costs: what trading costs.
        exits: stop and take-profit.
        cash: money.
        units: of the market.
        held: position from the bar's open on, in multiples of the equity.
        side: last asked for: 1 long, -1 short, 0 neither.
        entry: price at which that side was taken up.
        out: closed by a stop or a take-profit, and waiting for another side.
        bar: the newest; None before the first and after the end.
        volatility: of one bar's return, known at the bar's open; NaN where there is none yet.
        opening: money paid at the bar's open.
        met: the exit met within the bar, and its price.
    """

    costs: CostSpec
    exits: ExitSpec
    cash: float = 1.0
    units: float = 0.0
    held: float = 0.0
    side: float = 0.0
    entry: float = 0.0
    out: bool = False
    bar: Candle | None = None
    volatility: float = math.nan
    opening: float = 0.0
    met: tuple[str, float] | None = None

    def take(self, bar: Candle, volatility: float, wanted: float) -> Passed | None:
        """Trade at the open of a bar that is closed by now, and see which exit it met.

        Args:
            bar: later than the one before.
            volatility: of one bar's return, known at its open; NaN where there is none yet.
            wanted: position from its open on, in multiples of the equity.

        Returns:
            What became of the bar before; None for the first.
        """
        side = math.copysign(1.0, wanted) if wanted else 0.0
        stays = side == self.side
        jumped = self._exit(bar.open, bar.open) if self.held and stays else None
        reason = jumped[0] if jumped else "signal"
        passed = self._finish(self.bar, bar.time, bar.open, reason) if self.bar else None
        if not stays:
            self.side, self.entry, self.out = side, bar.open, False
        self.out = self.out or jumped is not None
        self.bar, self.volatility = bar, volatility
        self.opening = self._order(bar.open, 0.0 if self.out else wanted)
        self.met = self._exit(*self._extremes(bar)) if self.held else None
        self.out = self.out or self.met is not None
        return passed

    def end(self, until: int) -> Passed | None:
        """Close everything at the last close, of this time in ms; None when there was no bar."""
        if self.bar is None:
            return None
        passed = self._finish(self.bar, until, self.bar.close, "signal", last=True)
        self.bar, self.side = None, 0.0
        return passed

    def marked(self, until: int) -> float:
        """The equity at the newest close, of this time in ms, nothing being closed there."""
        if self.bar is None:
            return self._worth(0.0)
        return replace(self)._finish(self.bar, until, self.bar.close, "signal").equity

    def _finish(
        self, bar: Candle, until: int, leave: float, reason: str, *, last: bool = False
    ) -> Passed:
        """From the open to the next: funding, an exit within the bar, and the end of everything."""
        worst, _best = self._extremes(bar)
        reason, price = self.met or (reason, leave)
        leaves, position = last or self.met is not None, self.held
        ruined = self._worth(price if self.met and reason == "stop" else worst) == 0
        funding = self._charge(bar, until)
        if ruined:
            self.cash = self.units = 0.0
        closing = self._order(price, 0.0) if leaves else 0.0
        return Passed(
            opens=bar.time,
            until=until,
            position=position,
            entry=bar.open,
            left=price,
            closed=leaves,
            reason=reason,
            opening=self.opening,
            funding=funding,
            closing=closing,
            equity=self._worth(price),
        )

    def _worth(self, price: float) -> float:
        """The equity at a price."""
        return max(self.cash + self.units * price, 0.0)

    def _order(self, price: float, target: float) -> float:
        """Trade to a position at a price; what it cost, in money."""
        equity, value = self._worth(price), target - self.held
        fee = self.costs.buy_fee if value > 0 else self.costs.sell_fee
        points = fee + self.costs.spread / 2 + self.costs.slippage
        rate = points * BASIS_POINT
        if not math.isnan(self.volatility):
            rate += self.costs.slippage_per_volatility * self.volatility
        cost = min(rate * abs(value), 1.0) * equity
        self.held, self.units = target, target * (equity - cost) / price
        self.cash = equity - cost - self.units * price
        return cost

    def _charge(self, bar: Candle, until: int) -> float:
        """Pay the funding of a bar; what it cost, in money."""
        share = self.costs.funding * BASIS_POINT * (until - bar.time) / HOURS_8
        cost = abs(self.units) * bar.open * share
        self.cash -= cost
        return cost

    def _extremes(self, bar: Candle) -> tuple[float, float]:
        """The worst price for the position in a bar, and the best."""
        return (bar.low, bar.high) if self.side > 0 else (bar.high, bar.low)

    def _level(self, share: float | None, direction: float) -> float | None:
        """The price that is a share of the entry price away in a direction."""
        return None if share is None else self.entry * (1 + direction * share)

    def _exit(self, against: float, towards: float) -> tuple[str, float] | None:
        """Which exit is met, and its level, once the market has been at two prices.

        Args:
            against: the worst price for the position.
            towards: the best price for it.
        """
        stop = self._level(self.exits.stop, -self.side)
        if stop is not None and (against - stop) * self.side <= 0:
            return "stop", stop
        gain = self._level(self.exits.take_profit, self.side)
        if gain is not None and (towards - gain) * self.side >= 0:
            return "take_profit", gain
        return None
