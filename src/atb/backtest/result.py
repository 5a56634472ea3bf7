"""What a backtest hook returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from atb.backtest.performance import Performance, net_returns
from atb.backtest.round_trips import Profit
from atb.clock import iso

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]


class Result(ABC):
    """Predictions traded with costs, beside a naive rule over the same rows.

    Attributes:
        rival: the naive rule; where its figures are in `to_json`.
        measured: what the curves show, and in which unit.
        time: `[P]` int64 ms UTC at which the curves are known.
    """

    rival: ClassVar[str]
    measured: ClassVar[str]
    time: Int64

    @property
    @abstractmethod
    def curves(self) -> tuple[Float64, Float64]:
        """`[P]` float64 of the model, and of the naive rule."""

    @property
    @abstractmethod
    def steps(self) -> Float64:
        """What the model made in each step of time, net of costs, for tests of significance."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The figures without the curves; those of `rival`, of the same names, one level down."""


@dataclass(frozen=True)
class Backtest(Result):
    """Predictions on candles traded with costs, beside buy and hold over the same bars.

    Attributes:
        time: `[B + 1]` int64 ms UTC at which the curves are known.
        position: `[B]` float64 held between two times, in multiples of the equity.
        equity: `[B + 1]` float64, 1 at the start, net of costs.
        held: `[B + 1]` float64, the same for buy and hold.
        performance: figures of `equity`.
        buy_and_hold: figures of `held`.
    """

    rival: ClassVar[str] = "buy_and_hold"
    measured: ClassVar[str] = "equity, net of costs"

    time: Int64
    position: Float64
    equity: Float64
    held: Float64
    performance: Performance
    buy_and_hold: Performance

    @property
    def curves(self) -> tuple[Float64, Float64]:
        """`[B + 1]` float64 equity, and that of buy and hold."""
        return self.equity, self.held

    @property
    def steps(self) -> Float64:
        """`[B]` float64 net simple return of each bar; 0 once the equity is used up."""
        return net_returns(self.equity)

    def to_json(self) -> dict[str, Any]:
        """The figures without the curves; `buy_and_hold` has the same keys, one level down."""
        return {
            "first": iso(int(self.time[0])),
            "last": iso(int(self.time[-1])),
            "bars": len(self.position),
            **asdict(self.performance),
            self.rival: asdict(self.buy_and_hold),
        }


@dataclass(frozen=True)
class TouchBacktest(Result):
    """Predictions on a book traded at the touch, beside who follows the last move.

    Attributes:
        time: `[E]` int64 ms UTC of the events.
        position: `[E]` float64 -1, 0 or 1 unit held from each event to the next.
        profit: `[E]` float64 ticks made so far, net of spreads and fees, by the mid price.
        followed: `[E]` float64, the same for the last move followed.
        performance: figures of the trades.
        last_move: the same for the last move followed.
    """

    rival: ClassVar[str] = "last_move"
    measured: ClassVar[str] = "profit in ticks, net of spreads and fees"

    time: Int64
    position: Float64
    profit: Float64
    followed: Float64
    performance: Profit
    last_move: Profit

    @property
    def curves(self) -> tuple[Float64, Float64]:
        """`[E]` float64 ticks, and those of the last move followed."""
        return self.profit, self.followed

    @property
    def steps(self) -> Float64:
        """`[E]` float64 net ticks made in each row, costs paid in it included."""
        return np.diff(self.profit, prepend=0.0)

    def to_json(self) -> dict[str, Any]:
        """The figures without the curves; `last_move` has the same keys, one level down."""
        return {
            "first": iso(int(self.time[0])),
            "last": iso(int(self.time[-1])),
            "events": len(self.position),
            **asdict(self.performance),
            self.rival: asdict(self.last_move),
        }
