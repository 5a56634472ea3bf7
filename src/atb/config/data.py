"""Which candles, which order book or which bonds to learn from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from atb.clock import parse_time, timeframe_ms
from atb.config.spec import Spec, by_tag, checked, tagged

Market = Literal["candles", "book", "bonds"]  # what rows are of
Clock = Literal["event", "time", "volume"]  # what rows of a book are taken by


class CandleData(Spec):
    """Candles by source, timeframe and range.

    `auto` takes the file if one is given, else the store completed by the exchange; where the
    exchange cannot be reached the store alone, or else the simulator, with a warning. The other
    sources take that one or fail.
    """

    row: ClassVar[str] = "bar"
    more: ClassVar[str] = "give a longer range,"
    kind: Literal["candles"] = "candles"
    timeframe: Annotated[str, checked(timeframe_ms)] = "1h"
    start: Annotated[str | None, checked(parse_time)] = Field(
        None, description="first bar's open time, ISO 8601, UTC"
    )
    end: Annotated[str | None, checked(parse_time)] = Field(
        None, description="bars open before this time, ISO 8601, UTC"
    )
    source: Literal["auto", "binance", "file", "sample"] = "auto"
    path: Path | None = Field(
        None, strict=False, description="CSV, Parquet or Feather file for source file"
    )

    @model_validator(mode="after")
    def _possible_range(self) -> Self:
        start, end = self.start_ms, self.end_ms
        if start is not None and end is not None and start >= end:
            raise ValueError(f"the range {self.start} to {self.end} is empty")
        return self

    def facts(self) -> dict[str, Any]:
        """What a row is, JSON-ready."""
        return {"timeframe": self.timeframe}

    def said(self) -> str:
        """What is learned from, for people."""
        first, last = self.start or "the first", self.end or "the last"
        everything = "all of it" if self.path else "the latest two years"
        span = f"{first} to {last}" if self.start or self.end else everything
        return f"{self.timeframe} from {self.path or self.source}, {span}"

    def of_file(self, path: Path) -> CandleData:
        """The same rows, from a file."""
        return CandleData(timeframe=self.timeframe, source="file", path=path)

    @property
    def start_ms(self) -> int | None:
        """First open time in ms UTC, or None for all there is."""
        return None if self.start is None else parse_time(self.start)

    @property
    def end_ms(self) -> int | None:
        """End in ms UTC (exclusive), or None for all there is."""
        return None if self.end is None else parse_time(self.end)


class BookData(Spec):
    """An order book by source, clock and depth.

    `auto` takes the file if a path is given, else what is stored of the symbol; the simulator
    answers `sample` alone.

    Attributes:
        source: where it comes from.
        path: LOBSTER zip, folder or pair, level snapshots as CSV or Parquet, or an FI-2010 matrix.
        clock: what a row is taken by: every `every` events, seconds, or units of size traded.
        every: see `clock`; of events a whole number.
        levels: price levels of each side; deeper ones are left out.
    """

    row: ClassVar[str] = "event"
    more: ClassVar[str] = "give a longer book, a smaller --every"
    kind: Literal["book"] = "book"
    source: Literal["auto", "file", "sample"] = "auto"
    path: Path | None = Field(None, strict=False)
    clock: Clock = "event"
    every: float = Field(1.0, gt=0, le=1e9)
    levels: int = Field(10, ge=1, le=200)

    @model_validator(mode="after")
    def _whole_events(self) -> Self:
        if self.clock == "event" and self.every % 1:
            raise ValueError(
                f"every {self.every:g} events are no whole number; a clock of time or volume "
                "takes fractions"
            )
        return self

    def facts(self) -> dict[str, Any]:
        """What a row is, JSON-ready."""
        return {"clock": self.clock, "every": self.every, "levels": self.levels}

    def said(self) -> str:
        """What is learned from, for people."""
        unit = {"event": "events", "time": "seconds", "volume": "traded"}[self.clock]
        row = (
            "every event"
            if (self.clock, self.every) == ("event", 1.0)
            else f"{self.every:g} {unit}"
        )
        return f"{self.levels} levels, {row}, from {self.path or self.source}"

    def of_file(self, path: Path) -> BookData:
        """The same rows, from a file."""
        return self.model_copy(update={"source": "file", "path": path})


class BondData(Spec):
    """A government bond of constant maturity, from a file of par yields; its symbol says which.

    `auto` takes the file, and there must be one; the simulator answers `sample` alone.

    Attributes:
        source: where yields come from.
        path: par yields by day, Parquet or CSV, with columns as the US Treasury names them.
        coupon: percent per year; None for what makes each day's bond worth its face.
    """

    row: ClassVar[str] = "day"
    more: ClassVar[str] = "give a longer file,"
    kind: Literal["bonds"] = "bonds"
    source: Literal["auto", "file", "sample"] = "auto"
    path: Path | None = Field(None, strict=False)
    coupon: float | None = Field(None, ge=0, le=100)

    def facts(self) -> dict[str, Any]:
        """What a row is, JSON-ready."""
        return {"timeframe": "1d", "coupon": self.coupon}

    def said(self) -> str:
        """What is learned from, for people."""
        coupon = "at par" if self.coupon is None else f"with a coupon of {self.coupon:g} %"
        return (
            f"one issued each day, {coupon}, priced from par yields of {self.path or self.source}"
        )

    def of_file(self, path: Path) -> BondData:
        """The same rows, from a file."""
        return self.model_copy(update={"source": "file", "path": path})


AnyData = CandleData | BookData | BondData
Data = Annotated[AnyData, Field(discriminator="kind"), tagged("kind", "candles")]
HISTORIES: dict[str, type[AnyData]] = by_tag("kind", AnyData)
