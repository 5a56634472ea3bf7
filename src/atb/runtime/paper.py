"""A paper account: what a live loop's decisions would have made, one closed bar at a time.

It takes the steps of the event-driven backtest, so that the same bars and positions end in the same
trades. Its state is JSON, and goes on to the same bits. It knows bars and positions, not who asks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from atb.backtest.desk import Desk, Passed
from atb.backtest.event_sizing import Trailing, position
from atb.clock import iso, timeframe_ms
from atb.errors import DuplicateBarError, IntegrityError, OutOfOrderBarError
from atb.market.candle import Candle
from atb.runtime.window import require_possible

if TYPE_CHECKING:
    from atb.config.targets import Output
    from atb.config.trading import TradingSpec
    from atb.market.candles import Candles


@dataclass(frozen=True)
class PaperTrade:
    """One side of the market from its opening to its closing.

    Attributes:
        opened: ms UTC, open of the bar at which it was opened.
        closed: ms UTC, end of the bar with which it ended: the open of the next, or the last close.
        side: 1 long, -1 short.
        entry: price at which it was opened.
        exit: price at which it was closed.
        reason: `signal`, `stop`, `take_profit` or `end`.
    """

    opened: int
    closed: int
    side: int
    entry: float
    exit: float
    reason: str


class _Opening(NamedTuple):
    """How the trade under way began."""

    time: int
    side: int
    price: float


class Paper:
    """The account of the event-driven backtest, starting from an equity of 1.

    Attributes:
        trades: those closed since this object was made, oldest first. What a stop or a take-profit
            closes within a bar ends with the bar: it stands here once the next one has come.
        closed: how many were closed in all, before an earlier `state` too.

    Args:
        timeframe: length of a bar.
        spec: sizing, exits and costs; with the horizon that is traded, see `TradingSpec.over`.
        state: what `state` said, to go on from there.

    Raises:
        IntegrityError: when `state` is none that this class says.
    """

    def __init__(
        self, timeframe: str, spec: TradingSpec, state: Mapping[str, Any] | None = None
    ) -> None:
        self._timeframe, self._spec = timeframe, spec
        self._desk = Desk(spec.costs, spec.exits)
        self._asked = 0.0
        self._opening: _Opening | None = None
        self.trades: list[PaperTrade] = []
        self.closed = 0
        closes: list[float] = []
        if state is not None:
            closes = self._restore(state)
        self._trailing = Trailing(spec.volatility_bars, closes)

    @property
    def held(self) -> float:
        """Position at the newest close, in multiples of the equity, short below 0."""
        return 0.0 if self._desk.met else self._desk.held

    @property
    def equity(self) -> float:
        """Marked at the newest close, net of all costs so far."""
        return self._desk.marked(self._until())

    def bar(self, candle: Candle, wanted: float | None) -> None:
        """A bar that closed.

        Args:
            candle: later than the one before.
            wanted: position to be held from its open on, in multiples of the equity, short below 0;
                None when nothing new was said: what was asked for last still holds.

        Raises:
            DuplicateBarError, OutOfOrderBarError: when it is not later; it is not taken.
            DamagedBarError: when no market can have it; it is not taken.
        """
        require_possible(candle)
        self._require_later(candle)
        self._asked = self._asked if wanted is None else wanted
        passed = self._desk.take(candle, self._trailing.value, self._asked)
        side = _side(self._desk.held)
        if passed and side != _side(passed.position):
            self._book(passed, passed.reason)
        if side and self._opening is None:
            self._opening = _Opening(candle.time, side, candle.open)
        self._trailing.take(candle.close)

    def size(self, output: float | tuple[float, ...], unit: Output) -> float:
        """The position that an output asks for at the newest close, in multiples of the equity.

        Args:
            output: what a model says, a number or the probabilities of down, flat and up.
            unit: of the output, see `atb.config.targets`.
        """
        return position(output, unit, self._trailing.value, self._timeframe, self._spec)

    def allowed(self, wanted: float) -> float:
        """What will be held from the next open on, should this be asked for.

        It is nothing on a side that a stop or a take-profit has closed, until another side, or
        none, is asked for. `bar` is told what was asked for, not what is allowed.
        """
        return 0.0 if self._desk.out and wanted * self._desk.side > 0 else wanted

    def warm(self, candles: Candles) -> None:
        """Take the trailing volatility from these closes, up to the newest bar that was taken.

        Where they are fewer than those it has, it keeps its own.
        """
        newest = self._desk.bar
        closes = candles.between(None, newest.time + 1 if newest else None).close
        if len(closes) >= len(self._trailing.closes):
            self._trailing = Trailing(self._spec.volatility_bars, closes.tolist())

    def rules(self, spec: TradingSpec) -> None:
        """Trade by other rules from now on; what the newest bar still has to pay goes by them too.

        A longer trailing volatility has fewer closes than it asks for until `warm` gives it more.
        """
        self._spec = spec
        self._desk.costs, self._desk.exits = spec.costs, spec.exits
        self._trailing = Trailing(spec.volatility_bars, self._trailing.closes)

    def end(self) -> None:
        """Close everything at the newest close, as a backtest does at its last bar."""
        passed = self._desk.end(self._until())
        self._asked = 0.0
        if passed:
            self._book(passed, "end" if passed.reason == "signal" else passed.reason)

    def state(self) -> dict[str, Any]:
        """All that the future depends on, ready for JSON; trades are only counted."""
        desk = self._desk
        return {
            "cash": desk.cash,
            "units": desk.units,
            "held": desk.held,
            "side": desk.side,
            "entry": desk.entry,
            "out": desk.out,
            "bar": list(desk.bar) if desk.bar else None,
            "volatility": None if math.isnan(desk.volatility) else desk.volatility,
            "met": list(desk.met) if desk.met else None,
            "asked": self._asked,
            "trade": list(self._opening) if self._opening else None,
            "closed": self.closed,
            "closes": list(self._trailing.closes),
        }

    def _restore(self, state: Mapping[str, Any]) -> list[float]:
        """Go on from a state; returns its closes."""
        desk = self._desk
        try:
            for name in ("cash", "units", "held", "side", "entry", "out"):
                setattr(desk, name, state[name])
            desk.bar = Candle(*state["bar"]) if state["bar"] else None
            desk.volatility = math.nan if state["volatility"] is None else state["volatility"]
            desk.met = (state["met"][0], state["met"][1]) if state["met"] else None
            self._opening = _Opening(*state["trade"]) if state["trade"] else None
            self._asked, self.closed = state["asked"], state["closed"]
            return list(state["closes"])
        except (KeyError, TypeError, IndexError) as error:
            raise IntegrityError(
                f"it is no state of a paper account ({type(error).__name__}: {error})",
                where="paper account",
                remedy="begin a new one",
            ) from error

    def _book(self, passed: Passed, reason: str) -> None:
        """Write down the trade that ended with a bar, if one was under way."""
        if self._opening:
            opened, side, entry = self._opening
            self.trades.append(PaperTrade(opened, passed.until, side, entry, passed.left, reason))
            self._opening = None
            self.closed += 1

    def _until(self) -> int:
        """Close of the newest bar, ms UTC."""
        bar = self._desk.bar
        return bar.time + timeframe_ms(self._timeframe) if bar else 0

    def _require_later(self, candle: Candle) -> None:
        newest = self._desk.bar
        if newest and candle.time <= newest.time:
            kind = DuplicateBarError if candle.time == newest.time else OutOfOrderBarError
            raise kind(
                f"the bar of {iso(candle.time)} comes after that of {iso(newest.time)}",
                where="paper account",
                remedy="give bars in order, each once",
            )


def _side(position: float) -> int:
    return (position > 0) - (position < 0)
