"""Book: the best levels of a limit order book after each of its events, immutable.

A book knows nothing about files, exchanges or features. A row is the state after one event, known
from that moment on.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from atb.clock import NS_PER_MS, NS_PER_SECOND

if TYPE_CHECKING:  # whoever only serves a model needs no pydantic
    from atb.config.data import Market

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]

SIDES = ("ask_price", "ask_size", "bid_price", "bid_size")  # of each level, in this order
FLOW = ("traded", "seconds")  # beside the levels, in a book's matrix
EXACT = 1 << 24  # the largest number of ticks that float32 still counts one by one


def columns(depth: int) -> tuple[str, ...]:
    """Names of the columns of a book's matrix: `ask_price_1` to `bid_size_L`, then `FLOW`."""
    return (*(f"{side}_{level}" for level in range(1, depth + 1) for side in SIDES), *FLOW)


@dataclass(frozen=True)
class Book:
    """N states of the best L levels in time order; just read, possibly with faults.

    Attributes:
        symbol: the market, for example `GOOG`.
        time_ns: `[N]` int64 ns UTC of each event, never falling.
        levels: `[N, 4 * L]` float32, level after level `SIDES`: prices in whole ticks (or as they
            came where there is no tick), sizes in shares or the base currency. An absent level has
            price NaN and size 0.
        traded: `[N]` float32 size traded at each event, above zero when the buyer took it.
        session: `[N]` int32 number of the unbroken run of trading, from 0, rising: another one
            after a night, a halt, or rows that had to be left out.
        tick: smallest step of a price in the quote currency; None for prices that were normalised.
        source: where it came from, for people: `lobster`, `snapshots`, `fi2010`, `sample`.
        synthetic: true when a simulator made any of it.
    """

    kind: ClassVar[Market] = "book"

    symbol: str
    time_ns: Int64
    levels: Float32
    traded: Float32
    session: Int32
    tick: float | None
    source: str = "memory"
    synthetic: bool = False

    def __post_init__(self) -> None:
        for name, dtype in (
            ("time_ns", np.int64),
            ("levels", np.float32),
            ("traded", np.float32),
            ("session", np.int32),
        ):
            column = np.asarray(getattr(self, name), dtype=dtype).view()
            if len(column) != len(self.time_ns) or column.ndim != (2 if name == "levels" else 1):
                raise ValueError(
                    f"column {name} has shape {column.shape}, {len(self.time_ns)} rows"
                )
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        if self.levels.shape[1] % len(SIDES) or not self.levels.shape[1]:
            raise ValueError(f"{self.levels.shape[1]} columns are no whole number of levels")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.time_ns)

    @property
    def depth(self) -> int:
        """L, the number of levels."""
        return int(self.levels.shape[1]) // len(SIDES)

    @property
    def time(self) -> Int64:
        """`[N]` int64 ms UTC, rounded down."""
        return self.time_ns // NS_PER_MS

    @property
    def close_time(self) -> Int64:
        """`[N]` int64 ms UTC: a state is known as soon as it is there."""
        return self.time

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `matrix`."""
        return columns(self.depth)

    def side(self, name: str) -> Float32:
        """`[N, L]` view of one of `SIDES`, best level first."""
        return self.levels[:, SIDES.index(name) :: len(SIDES)]

    @property
    def price(self) -> Float64:
        """`[N]` float64 mid price in the quote currency, or in the unit of a normalised book."""
        ask, bid = (self.levels[:, SIDES.index(name)] for name in ("ask_price", "bid_price"))
        mid: Float64 = (ask.astype(np.float64) + bid) / 2
        return mid if self.tick is None else mid * self.tick

    @property
    def breaks(self) -> int:
        """Ends of sessions between the rows."""
        return int(np.count_nonzero(np.diff(self.session)))

    def facts(self) -> dict[str, Any]:
        """Levels of each side and the tick."""
        return {"levels": self.depth, "tick": self.tick}

    def matrix(self) -> Float32:
        """`[N, 4 * L + 2]` float32: the levels, the size traded, and seconds since the row before.

        The seconds are 0 in the first row of a session.
        """
        seconds = np.diff(self.time_ns, prepend=self.time_ns[:1]) / NS_PER_SECOND
        seconds[1:][np.diff(self.session) != 0] = 0.0
        flow = np.stack([self.traded, seconds.astype(np.float32)], axis=1)
        return np.concatenate([self.levels, flow], axis=1)

    def rows(self, start: int, stop: int) -> Book:
        """Rows `start` to `stop` (exclusive) by position."""
        return replace(
            self,
            time_ns=self.time_ns[start:stop],
            levels=self.levels[start:stop],
            traded=self.traded[start:stop],
            session=self.session[start:stop],
        )

    def top(self, depth: int) -> Book:
        """The same with the best `depth` levels alone."""
        return replace(self, levels=self.levels[:, : depth * len(SIDES)])

    def segments(self, max_gap: int = 0) -> Int64:  # noqa: ARG002 (no event is ever missing)
        """`[N]` int64 the session of each row: nothing reaches across a night or a halt."""
        return self.session.astype(np.int64)

    def sha256(self) -> str:
        """Hash of times and values: equal for equal books, wherever they were read from."""
        digest = hashlib.sha256(
            f"{self.symbol} book {self.depth} {len(self)} {self.tick}\n".encode()
        )
        for name, dtype in (
            ("time_ns", "<i8"),
            ("levels", "<f4"),
            ("traded", "<f4"),
            ("session", "<i4"),
        ):
            digest.update(np.ascontiguousarray(getattr(self, name)).astype(dtype).tobytes())
        return digest.hexdigest()
