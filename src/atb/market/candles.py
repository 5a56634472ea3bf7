"""Candles: open, high, low, close and volume of one symbol in equal bars, immutable.

Candles know nothing about files, exchanges or features. A row is a bar named by its open time;
it may be used from its close time on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from atb.clock import timeframe_ms
from atb.market.candle import Candle

if TYPE_CHECKING:  # whoever only serves a model needs no pydantic
    from atb.config.data import Market

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]
Int64 = npt.NDArray[np.int64]

COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True)
class Candles:
    """N bars in time order; just read and not yet through `checks.require`, in any order.

    Attributes:
        symbol: the market, for example `BTCUSDT`.
        timeframe: the length of a bar, for example `1h`.
        time: `[N]` int64 ms UTC, open of each bar, strictly rising.
        open, high, low, close: `[N]` float64 in the quote currency.
        volume: `[N]` float64 in the base currency.
        source: where they came from, for people: `file`, `binance`, `sample`, ...
        synthetic: true when a simulator made any of it.
    """

    kind: ClassVar[Market] = "candles"

    symbol: str
    timeframe: str
    time: Int64
    open: Float64
    high: Float64
    low: Float64
    close: Float64
    volume: Float64
    source: str = "memory"
    synthetic: bool = False

    def __post_init__(self) -> None:
        for name in ("time", *COLUMNS):
            dtype = np.int64 if name == "time" else np.float64
            column = np.array(getattr(self, name), dtype=dtype)
            if column.shape != np.shape(self.time) or column.ndim != 1:
                raise ValueError(f"column {name} has shape {column.shape}, time {self.time.shape}")
            column.setflags(write=False)
            object.__setattr__(self, name, column)

    def __len__(self) -> int:
        """Number of bars."""
        return len(self.time)

    @classmethod
    def from_columns(
        cls,
        symbol: str,
        timeframe: str,
        columns: Mapping[str, Any],
        *,
        source: str = "memory",
        synthetic: bool = False,
    ) -> Candles:
        """Candles from a mapping that holds `time` and the five columns."""
        values = {name: columns[name] for name in ("time", *COLUMNS)}
        return cls(symbol, timeframe, **values, source=source, synthetic=synthetic)

    @property
    def close_time(self) -> Int64:
        """`[N]` int64 ms UTC: when each bar is complete and may be used."""
        return self.time + timeframe_ms(self.timeframe)

    @property
    def price(self) -> Float64:
        """`[N]` float64 close in the quote currency."""
        return self.close

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns of `matrix`."""
        return COLUMNS

    @property
    def breaks(self) -> int:
        """Bars that are missing between others."""
        return int(self.missing_before().sum())

    def facts(self) -> dict[str, Any]:
        """The length of a bar."""
        return {"timeframe": self.timeframe}

    def matrix(self) -> Float32:
        """`[N, 5]` float32 in the order of `COLUMNS`: what features and serving graphs take."""
        return np.stack([getattr(self, name) for name in COLUMNS], axis=1).astype(np.float32)

    def rows(self, start: int, stop: int) -> Candles:
        """Bars `start` to `stop` (exclusive) by position."""
        part = {name: getattr(self, name)[start:stop] for name in ("time", *COLUMNS)}
        return replace(self, **part)

    def bars(self) -> Candles:
        """What is traded: these bars."""
        return self

    def bar(self, row: int) -> Candle:
        """The bar at a position."""
        values = (float(getattr(self, name)[row]) for name in COLUMNS)
        return Candle(int(self.time[row]), *values)

    def between(self, start_ms: int | None, end_ms: int | None) -> Candles:
        """Bars whose open time is at or after `start_ms` and before `end_ms`."""
        start = 0 if start_ms is None else int(np.searchsorted(self.time, start_ms, "left"))
        stop = len(self) if end_ms is None else int(np.searchsorted(self.time, end_ms, "left"))
        return self.rows(start, stop)

    def missing_before(self) -> Int64:
        """`[N]` number of bars absent between each bar and the one before it; 0 for the first."""
        step = timeframe_ms(self.timeframe)
        missing = np.zeros(len(self), np.int64)
        missing[1:] = np.diff(self.time) // step - 1
        return missing

    def segments(self, max_gap: int = 0) -> Int64:
        """`[N]` number of the unbroken run each bar belongs to, from 0.

        Two bars have no gap of more than `max_gap` missing bars between them exactly when their
        numbers are equal.
        """
        return np.cumsum(self.missing_before() > max_gap)

    def sha256(self) -> str:
        """Hash of times and values: equal for equal candles, wherever they were read from."""
        digest = hashlib.sha256(f"{self.symbol} {self.timeframe} {len(self)}\n".encode())
        for name in ("time", *COLUMNS):
            digest.update(
                np.ascontiguousarray(getattr(self, name))
                .astype("<i8" if name == "time" else "<f8")
                .tobytes()
            )
        return digest.hexdigest()


def joined(parts: Sequence[Candles]) -> Candles:
    """One market's candles in time order, each time once: the first part that has a bar counts."""
    if len(parts) == 1 and np.all(np.diff(parts[0].time) > 0):
        return parts[0]
    time, rows = np.unique(np.concatenate([part.time for part in parts]), return_index=True)
    values = {
        name: np.concatenate([getattr(part, name) for part in parts])[rows] for name in COLUMNS
    }
    return Candles.from_columns(
        parts[0].symbol,
        parts[0].timeframe,
        {"time": time, **values},
        source=parts[0].source,
        synthetic=any(part.synthetic for part in parts),
    )
