"""What a backtest hook returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from atb.backtest.account import Account, Trades, trades
from atb.backtest.exits import REASONS
from atb.backtest.performance import Performance, bars_per_year, measure, net_returns
from atb.backtest.round_trips import Profit, RoundTrips
from atb.clock import DAY_MS, iso

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Columns of one length by name; times are datetime64[ms], UTC.
Table: TypeAlias = Mapping[str, npt.NDArray[Any]]


class Result(ABC):
    """Predictions traded with costs, beside a naive rule over the same rows.

    Attributes:
        rival: the naive rule; where its figures are in `to_json`.
        measured: what the curves show, and in which unit.
        time: `[P]` int64 ms UTC at which the curves are known.
        asked: `[M]` float64 position that each prediction asks for, before exits.
    """

    rival: ClassVar[str]
    measured: ClassVar[str]
    time: Int64
    asked: Float64

    @property
    @abstractmethod
    def curves(self) -> tuple[Float64, Float64]:
        """`[P]` float64 of the model, and of the naive rule."""

    @property
    @abstractmethod
    def steps(self) -> Float64:
        """What the model made in each step of time, net of costs, for tests of significance."""

    @property
    def steps_per_year(self) -> float | None:
        """How many steps a year of this market has; None where figures are not annual."""
        return None

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The figures without the curves; those of `rival`, of the same names, one level down."""

    @abstractmethod
    def tables(self) -> dict[str, Table]:
        """The curves as table `equity`, the trades as `trades`, perhaps more; for files."""


@dataclass(frozen=True)
class Backtest(Result):
    """Predictions on candles traded with costs, beside buy and hold over the same bars.

    Attributes:
        time: `[B + 1]` int64 ms UTC at which the curves are known.
        asked: `[M]` float64 position that each prediction asks for, before exits.
        position: `[B]` float64 held from each time, in multiples of the equity.
        equity: `[B + 1]` float64, 1 at the start, net of costs.
        held: `[B + 1]` float64, the same for buy and hold.
        trades: from opening to closing.
        performance: figures of `equity`.
        buy_and_hold: figures of `held`.
    """

    rival: ClassVar[str] = "buy_and_hold"
    measured: ClassVar[str] = "equity, net of costs"

    time: Int64
    asked: Float64
    position: Float64
    equity: Float64
    held: Float64
    trades: Trades
    performance: Performance
    buy_and_hold: Performance

    @classmethod
    def of(cls, asked: Float64, account: Account, rival: Account) -> Self:
        """What became of the positions asked for, and of holding all the time.

        Args:
            asked: `[M]` by each prediction.
            account: of B bars.
            rival: of the same bars, bought and held.
        """
        return cls(
            time=account.time,
            asked=asked,
            position=account.position,
            equity=account.equity,
            held=rival.equity,
            trades=trades(account),
            performance=measure(account),
            buy_and_hold=measure(rival),
        )

    @property
    def curves(self) -> tuple[Float64, Float64]:
        """`[B + 1]` float64 equity, and that of buy and hold."""
        return self.equity, self.held

    @property
    def steps(self) -> Float64:
        """`[B]` float64 net simple return of each bar; 0 once the equity is used up."""
        return net_returns(self.equity)

    @property
    def steps_per_year(self) -> float | None:
        """Bars that a year of this market has."""
        return bars_per_year(self.time)

    def to_json(self) -> dict[str, Any]:
        """The figures without the curves; `buy_and_hold` has the same keys, one level down."""
        return {
            "first": iso(int(self.time[0])),
            "last": iso(int(self.time[-1])),
            "bars": len(self.position),
            **asdict(self.performance),
            self.rival: asdict(self.buy_and_hold),
        }

    def tables(self) -> dict[str, Table]:
        """`equity` by bar, `trades`, and `returns` by UTC day.

        `equity` has a row for each time: the equity then, the position held from then on and the
        return of the bar that ended. A trade closed within a bar has the time of the bar's end.
        """
        made = self.trades
        return {
            "equity": {
                "time": _moments(self.time),
                "equity": self.equity,
                self.rival: self.held,
                "position": np.append(self.position, 0.0),
                "return": np.append(0.0, self.steps),
            },
            "trades": {
                "opened": _moments(self.time[made.first]),
                "closed": _moments(self.time[made.last + 1]),
                "side": _sides(made.side),
                "entry_price": made.entry,
                "exit_price": made.exit,
                "bars": made.last + 1 - made.first,
                "return": made.result,
                "profit": made.profit,
                "reason": np.array(REASONS)[made.reason],
            },
            "returns": _daily(self.time, {"return": self.equity, self.rival: self.held}),
        }


@dataclass(frozen=True)
class TouchBacktest(Result):
    """Predictions on a book traded at the touch, beside who follows the last move.

    Attributes:
        time: `[E]` int64 ms UTC of the events.
        asked: `[M]` float64 -1, 0 or 1: the side that each prediction asks for.
        position: `[E]` float64 -1, 0 or 1 unit held from each event to the next.
        profit: `[E]` float64 ticks made so far, net of spreads and fees, by the mid price.
        followed: `[E]` float64, the same for the last move followed.
        trades: positions of one unit from their opening to their closing.
        performance: figures of the trades.
        last_move: the same for the last move followed.
    """

    rival: ClassVar[str] = "last_move"
    measured: ClassVar[str] = "profit in ticks, net of spreads and fees"

    time: Int64
    asked: Float64
    position: Float64
    profit: Float64
    followed: Float64
    trades: RoundTrips
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

    def tables(self) -> dict[str, Table]:
        """`equity` by event in ticks, and `trades`."""
        made = self.trades
        return {
            "equity": {
                "time": _moments(self.time),
                "profit_ticks": self.profit,
                f"{self.rival}_ticks": self.followed,
                "position": self.position,
                "net_ticks": self.steps,
            },
            "trades": {
                "opened": _moments(self.time[made.opened]),
                "closed": _moments(self.time[made.opened + made.held]),
                "side": _sides(made.side),
                "events": made.held,
                "gross_ticks": made.gross,
                "fee_ticks": made.fees,
                "spread_ticks": made.spread,
                "net_ticks": made.net,
            },
        }


def _moments(time: Int64) -> npt.NDArray[np.datetime64]:
    return time.astype("datetime64[ms]")


def _sides(side: Float64) -> npt.NDArray[np.str_]:
    return np.where(side > 0, "long", "short")


def _daily(time: Int64, curves: Mapping[str, Float64]) -> Table:
    """Simple returns by UTC day; a bar counts to the day in which it opens."""
    day = time[:-1] // DAY_MS
    first = np.flatnonzero(np.diff(day, prepend=-1))
    edges = np.append(first, len(day))
    return {
        "date": _moments(day[first] * DAY_MS),
        **{name: net_returns(curve[edges]) for name, curve in curves.items()},
    }
