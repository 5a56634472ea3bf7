"""Spot candles from Binance: monthly archives, then daily ones, then REST klines for the rest.

It knows how archives are named and filed, and nothing of the store. Archives are kept in a
folder as soon as they are verified, so an interrupted download goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import requests

from atb.clock import DAY_MS, to_datetime
from atb.events import Listener, Progress
from atb.market import files
from atb.market.candles import Candles, joined
from atb.market.download import MissingError, verified
from atb.market.exchange_clock import ExchangeClock
from atb.market.klines import SAFETY_MS, Endpoints, Klines
from atb.market.timer import Timer

_FILES_AT_ONCE = 6


@dataclass(frozen=True)
class Period:
    """A month or day by its name in archives, from `start` to `end` (exclusive) in ms UTC."""

    name: str
    start: int
    end: int


def download(
    symbol: str,
    timeframe: str,
    start_ms: int,
    end_ms: int,
    folder: Path,
    listen: Listener,
    endpoints: Endpoints,
) -> Candles:
    """Closed bars that open from `start_ms` to `end_ms` (exclusive); none when there are none.

    Args:
        symbol: as the exchange writes it.
        timeframe: one of `atb.clock.TIMEFRAMES`.
        start_ms: UTC.
        end_ms: UTC.
        folder: where verified archives are kept.
        listen: told of each file and page.
        endpoints: the exchange, or a server that behaves like it.

    Raises:
        UsageError: when the exchange does not list the symbol.
        SourceUnavailableError: when it cannot be reached.
        DataError: when what it sends is damaged.
    """
    with requests.Session() as session:
        fetch = _Fetch(symbol, timeframe, folder, session, listen, endpoints)
        klines = Klines(symbol, timeframe, session, endpoints.rest, endpoints.patience)
        # One small question first: an unknown symbol or an absent network is answered at once,
        # and the years before a listing are not searched for archives.
        hasty = replace(klines, patience=replace(endpoints.patience, unreachable=2))
        first = hasty.page(start_ms, end_ms, 1).time
        if len(first) == 0:
            return klines.none()
        start_ms = int(first[0])
        # What is closed is for the exchange's clock to say: this machine's may be wrong by hours.
        now = ExchangeClock(session, endpoints.rest, Timer()).ask(endpoints.patience)
        monthly, absent = fetch.archives("monthly", months(start_ms, end_ms), now)
        daily, absent = fetch.archives("daily", days(absent, start_ms, end_ms), now)
        rest = [klines.span(*span, listen) for span in spans(absent, start_ms, end_ms)]
    found = joined([klines.none(), *monthly, *daily, *rest])
    return closed(found.between(start_ms, end_ms), now)


def closed(candles: Candles, now: int) -> Candles:
    """The candles (in time order) whose close time is `SAFETY_MS` or more before `now` (ms UTC)."""
    return candles.rows(0, int(np.searchsorted(candles.close_time, now - SAFETY_MS, "right")))


def months(start_ms: int, end_ms: int) -> list[Period]:
    """The calendar months that a range touches.

    >>> [month.name for month in months(1672531200000, 1677628800001)]
    ['2023-01', '2023-02', '2023-03']
    """
    month = to_datetime(start_ms).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = []
    while _ms(month) < end_ms:
        following = (month + timedelta(days=31)).replace(day=1)
        found.append(Period(month.strftime("%Y-%m"), _ms(month), _ms(following)))
        month = following
    return found


def days(periods: Sequence[Period], start_ms: int, end_ms: int) -> list[Period]:
    """The days of periods that a range touches."""
    starts = (day for period in periods for day in range(period.start, period.end, DAY_MS))
    return [
        Period(to_datetime(day).strftime("%Y-%m-%d"), day, day + DAY_MS)
        for day in starts
        if day < end_ms and day + DAY_MS > start_ms
    ]


def spans(periods: Sequence[Period], start_ms: int, end_ms: int) -> list[tuple[int, int]]:
    """Neighbouring periods, in time order, as one span each, within a range."""
    found: list[tuple[int, int]] = []
    for period in periods:
        start = found.pop()[0] if found and found[-1][1] == period.start else period.start
        found.append((start, period.end))
    return [(max(start, start_ms), min(end, end_ms)) for start, end in found]


@dataclass(frozen=True)
class _Fetch:
    """One download of one symbol and timeframe."""

    symbol: str
    timeframe: str
    folder: Path
    session: requests.Session
    listen: Listener
    endpoints: Endpoints

    def archives(
        self, kind: str, periods: Sequence[Period], now: int
    ) -> tuple[list[Candles], list[Period]]:
        """Candles of the archives there are, and the periods that have none."""
        task = f"{self.symbol} {self.timeframe} {kind} archives"
        found, absent = [], []
        pool = ThreadPoolExecutor(_FILES_AT_ONCE)
        try:
            past = [period for period in periods if period.end <= now]
            jobs = [(period, pool.submit(self.archive, kind, period)) for period in past]
            for done, (period, job) in enumerate(jobs, 1):
                try:
                    found.append(job.result())
                except MissingError:
                    absent.append(period)
                self.listen(Progress(task, done, len(jobs)))
        finally:
            pool.shutdown(cancel_futures=True)
        return found, [*absent, *(period for period in periods if period.end > now)]

    def archive(self, kind: str, period: Period) -> Candles:
        """Candles of one archive, its times in whatever unit it has."""
        name = f"{self.symbol}-{self.timeframe}-{period.name}.zip"
        base = self.endpoints.archives
        url = f"{base}/{kind}/klines/{self.symbol}/{self.timeframe}/{name}"
        path = self.folder / name
        content = verified(self.session, url, path, self.endpoints.patience)
        return files.read_zip(content, url, self.symbol, self.timeframe)


def _ms(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
