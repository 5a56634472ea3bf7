"""Bonds: the days of one government bond of constant maturity, immutable.

They know nothing about files, discounting or features. A row is a day named by its midnight UTC; it
may be used from the next midnight on, when New York has closed and the curve is published.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from atb.clock import DAY_MS
from atb.market.candles import Candles

if TYPE_CHECKING:  # whoever only serves a model needs no pydantic
    from atb.config.data import Market

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

COLUMNS = (
    *("price", "fair_value", "yield", "level", "slope", "curvature"),
    *("duration", "convexity", "carry"),
)
TIMEFRAME = "1d"
LONGEST = 10  # weekdays without a curve, beside a holiday, beyond which nothing is compared


@dataclass(frozen=True)
class Bonds:
    """N days in time order of a bond that is issued anew each day.

    The bond of a day is compared on the next day with its fair value: what it would be worth then
    had the curve not moved. `price` is an index of what is made beyond that, day after day: carry
    and roll-down are not in it.

    Attributes:
        symbol: the bond, for example `UST10Y`.
        time: `[N]` int64 ms UTC, midnight of each day, rising.
        values: `[N, 9]` float64 in the order of `COLUMNS`: `price`, 100 on the first day;
            `fair_value` of the bond of the day before, per 100 of its face, on the curve of the day
            before; `yield` at par of the day's own bond, and `level`, `slope` and `curvature` of
            its curve, in percent; `duration` in years, `convexity` in years squared, and `carry`,
            what a day on an unchanged curve makes, in basis points.
        coupon: percent per year; None for what makes each day's bond worth its face.
        source: where they came from, for people.
        synthetic: true when a simulator made any of it.
    """

    kind: ClassVar[Market] = "bonds"

    symbol: str
    time: Int64
    values: Float64
    coupon: float | None = None
    source: str = "memory"
    synthetic: bool = False

    def __post_init__(self) -> None:
        for name, dtype in (("time", np.int64), ("values", np.float64)):
            column = np.array(getattr(self, name), dtype=dtype)
            column.setflags(write=False)
            object.__setattr__(self, name, column)
        if self.values.shape != (len(self.time), len(COLUMNS)):
            raise ValueError(f"values {self.values.shape} are not {len(self.time)} days by 9")

    def __len__(self) -> int:
        """Number of days."""
        return len(self.time)

    @property
    def close_time(self) -> Int64:
        """`[N]` int64 ms UTC: when each day's curve is published and may be used."""
        return self.time + DAY_MS

    @property
    def price(self) -> Float64:
        """`[N]` float64 index of returns against fair value, 100 on the first day."""
        return self.values[:, 0]

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `matrix`."""
        return COLUMNS

    @property
    def breaks(self) -> int:
        """Weekdays that are missing between others, holidays not counted."""
        return int(missing_before(self.time).sum())

    def facts(self) -> dict[str, Any]:
        """The length of a row, and the coupon."""
        return {"timeframe": TIMEFRAME, "coupon": self.coupon}

    def matrix(self) -> Float32:
        """`[N, 9]` float32 in the order of `COLUMNS`: what features and serving graphs take."""
        return self.values.astype(np.float32)

    def rows(self, start: int, stop: int) -> Bonds:
        """Days `start` to `stop` (exclusive) by position."""
        return replace(self, time=self.time[start:stop], values=self.values[start:stop])

    def bars(self) -> Candles:
        """What is traded: days that open at the price the day before closed at, without a range."""
        opens = np.concatenate([self.price[:1], self.price[:-1]])
        columns = {
            "time": self.time,
            "open": opens,
            "high": np.maximum(opens, self.price),
            "low": np.minimum(opens, self.price),
            "close": self.price,
            "volume": np.zeros(len(self)),
        }
        return Candles.from_columns(
            self.symbol, TIMEFRAME, columns, source=self.source, synthetic=self.synthetic
        )

    def segments(self, max_gap: int = 0) -> Int64:
        """`[N]` number of the unbroken run each day belongs to, from 0.

        A run ends where more than `max_gap` weekdays are missing, or more than `LONGEST`.
        """
        return np.cumsum(missing_before(self.time) > min(max_gap, LONGEST))

    def sha256(self) -> str:
        """Hash of times and values: equal for equal bonds, wherever they were read from."""
        digest = hashlib.sha256(f"{self.symbol} bonds {self.coupon} {len(self)}\n".encode())
        digest.update(self.time.astype("<i8").tobytes())
        digest.update(self.values.astype("<f8").tobytes())
        return digest.hexdigest()


def missing_before(time: Int64) -> Int64:
    """`[N]` weekdays absent between each day and the one before it, less one; 0 for the first.

    That one is a holiday: those of the US bond market never come two in a row.
    """
    missing = np.zeros(len(time), np.int64)
    days = time.astype("datetime64[ms]").astype("datetime64[D]")
    missing[1:] = np.busday_count(days[:-1] + 1, days[1:]) - 1
    return np.maximum(missing, 0)
