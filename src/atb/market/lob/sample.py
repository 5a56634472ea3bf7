"""A simulated order book, for when there is none at hand: as a `Book`, or as LOBSTER's files.

It knows how events become rows, times of day and text; where the events come from is for
`zero_intelligence.py`. It is always marked synthetic: nothing learned here says anything about a
market.
"""

from __future__ import annotations

from datetime import date
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atb import atomic
from atb.clock import NS_PER_SECOND
from atb.market.lob.book import SIDES, Book, Float64, Int64
from atb.market.lob.lobster import CENT, UNITS_PER_USD, midnight_ns
from atb.market.lob.zero_intelligence import EXECUTED, Auction, Event

DAY = date(2024, 1, 2)
OPEN, CLOSE = 34_200, 57_600  # seconds after midnight in New York
_PACE = 16.0  # seconds that a second of the model takes: some seven events a second


class _Run(NamedTuple):
    """N events: times `[N]` int64 ns after midnight, columns of `Event` `[N, 5]` and states."""

    time_ns: Int64
    events: Int64
    states: Int64


def simulate(symbol: str, events: int, seed: int, levels: int = 10) -> Book:
    """A zero-intelligence book in ticks of one cent, in one session of one day; synthetic.

    Args:
        symbol: what to call the market.
        events: number of rows, one for each change of the book.
        seed: the same arguments give the same book.
        levels: price levels of each side; there are always as many.
    """
    run = _run(events, seed, levels)
    kind, _, size, _, direction = run.events.T
    return Book(
        symbol,
        run.time_ns + midnight_ns(DAY),
        run.states.astype(np.float32),
        np.where(kind == EXECUTED, -direction * size, 0).astype(np.float32),
        np.zeros(events, np.int32),
        tick=CENT / UNITS_PER_USD,
        source="sample",
        synthetic=True,
    )


def write_lobster(
    folder: Path, symbol: str, day: date, events: int, seed: int, levels: int = 10
) -> tuple[Path, Path]:
    """Write the book of `simulate` on another day as LOBSTER's message and orderbook files.

    Returns:
        The paths of both files.

    Raises:
        StorageError: when the disk refuses.
    """
    import pyarrow as pa

    run = _run(events, seed, levels)
    name = f"{symbol}_{day.isoformat()}_{OPEN}000_{CLOSE}000_{{}}_{levels}.csv"
    message, book = (folder / name.format(kind) for kind in ("message", "orderbook"))
    seconds = [f"{ns // NS_PER_SECOND}.{ns % NS_PER_SECOND:09d}" for ns in run.time_ns.tolist()]
    columns = run.events * [1, 1, 1, CENT, 1]
    states = run.states * np.tile([CENT, 1], levels * len(SIDES) // 2)
    _write(message, [pa.array(seconds), *map(pa.array, columns.T)])
    _write(book, list(map(pa.array, states.T)))
    return message, book


def _run(count: int, seed: int, levels: int) -> _Run:
    auction = Auction(levels, np.random.default_rng(seed))
    columns = len(Event._fields) - 1
    seconds = np.empty(count, np.float64)
    events = np.empty((count, columns), np.int64)
    states = np.empty((count, levels * len(SIDES)), np.int64)
    for row, event in enumerate(islice(auction.events(), count)):
        seconds[row] = event.second
        events[row] = event[1:]
        states[row] = auction.state()
    return _Run(_time_of_day(seconds), events, states)


def _time_of_day(seconds: Float64) -> Int64:
    """`[N]` int64 ns after midnight from model seconds; a run too long for a day is pressed in."""
    pace = min(_PACE, (CLOSE - OPEN) / seconds[-1]) if len(seconds) else _PACE
    return OPEN * NS_PER_SECOND + (seconds * pace * NS_PER_SECOND).astype(np.int64)


def _write(path: Path, columns: list[object]) -> None:
    """Text of numbers with commas between them, without a header, as LOBSTER has it."""
    import pyarrow as pa
    from pyarrow import csv

    table = pa.table(dict(zip(map(str, range(len(columns))), columns, strict=True)))
    with atomic.file(path) as temporary:
        csv.write_csv(
            table, temporary, csv.WriteOptions(include_header=False, quoting_style="none")
        )
