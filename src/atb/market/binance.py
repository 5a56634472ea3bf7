"""Spot candles from Binance: monthly archives, then daily ones, then REST klines for the rest.

It knows the exchange's addresses and forms, and nothing of the store. Archives are kept in a
folder as soon as they are verified, so an interrupted download goes on where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import requests

from atb.clock import DAY_MS, epoch_to_ms, now_ms, timeframe_ms, to_datetime
from atb.errors import DataError, UsageError
from atb.events import Listener, Progress
from atb.market import files
from atb.market.candles import COLUMNS, Candles, joined
from atb.market.download import MissingError, Patience, RefusedError, get, verified

SAFETY_MS = 2_000  # a bar is taken for closed this long after its close time
_KLINES_PER_REQUEST = 1_000
_FILES_AT_ONCE = 6
_NO_SYMBOL = (-1100, -1121)  # illegal characters, unknown symbol


@dataclass(frozen=True)
class Endpoints:
    """Where the exchange is found, and how patiently it is asked."""

    archives: str = "https://data.binance.vision/data/spot"
    rest: str = "https://data-api.binance.vision/api/v3"  # public market data, served everywhere
    patience: Patience = field(default_factory=Patience)


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
    now = now_ms()
    with requests.Session() as session:
        fetch = _Fetch(symbol, timeframe, folder, session, listen, endpoints)
        # One small question first: an unknown symbol or an absent network is answered at once,
        # and the years before a listing are not searched for archives.
        hasty = replace(endpoints.patience, unreachable=2)
        first = fetch.page(start_ms, end_ms, 1, hasty).time
        if len(first) == 0:
            return fetch.page_of([])
        start_ms = int(first[0])
        monthly, absent = fetch.archives("monthly", months(start_ms, end_ms), now)
        daily, absent = fetch.archives("daily", days(absent, start_ms, end_ms), now)
        rest = [fetch.klines(span) for span in spans(absent, start_ms, end_ms)]
    found = joined([fetch.page_of([]), *monthly, *daily, *rest])
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

    def klines(self, span: tuple[int, int]) -> Candles:
        """Candles of a span by REST, page by page."""
        step = timeframe_ms(self.timeframe)
        task = f"{self.symbol} {self.timeframe} latest bars"
        begin, end = span
        start, pages = begin, [self.page_of([])]
        while start < end:
            page = self.page(start, end, _KLINES_PER_REQUEST, self.endpoints.patience)
            if len(page) == 0:
                break
            pages.append(page)
            start = int(page.time[-1]) + step
            self.listen(Progress(task, (start - begin) // step, (end - begin) // step))
        return joined(pages)

    def page(self, start_ms: int, end_ms: int, limit: int, patience: Patience) -> Candles:
        """The first `limit` bars of a span by REST, the unfinished one among them."""
        params: dict[str, str | int] = {
            "symbol": self.symbol,
            "interval": self.timeframe,
            "startTime": start_ms,
            "endTime": end_ms - 1,
            "limit": limit,
        }
        url = f"{self.endpoints.rest}/klines"
        try:
            rows = _decoded(get(self.session, url, patience, params), url)
        except RefusedError as error:
            if _error_code(error.body) not in _NO_SYMBOL:
                raise
            raise UsageError(
                f"Binance lists no spot market {self.symbol!r}",
                remedy="write it as the exchange does, or give its candles with --candles PATH",
            ) from error
        page = self.page_of(rows)
        if len(page) and not (start_ms <= page.time[0] and np.all(np.diff(page.time) > 0)):
            raise DataError("the klines are not in order", where=url, remedy="try again later")
        return page

    def page_of(self, rows: Sequence[Sequence[Any]]) -> Candles:
        """Candles of kline rows; the first six cells of each are time and the five columns."""
        try:
            cells = np.array([[float(cell) for cell in row[:6]] for row in rows], np.float64)
            values = dict(zip(("time", *COLUMNS), cells.reshape(-1, 6).T, strict=True))
        except (TypeError, ValueError) as error:
            raise DataError(
                "the answer holds no klines", where=self.endpoints.rest, remedy="try again later"
            ) from error
        time = values["time"].astype(np.int64)
        columns = {**values, "time": epoch_to_ms(time) if len(time) else time}
        return Candles.from_columns(self.symbol, self.timeframe, columns, source="binance")


def _ms(moment: Any) -> int:
    return int(moment.timestamp() * 1000)


def _decoded(body: bytes, url: str) -> list[Any]:
    try:
        rows = json.loads(body)
    except ValueError as error:
        raise DataError("the answer is no JSON", where=url, remedy="try again later") from error
    if not isinstance(rows, list):
        raise DataError("the answer is no list of klines", where=url, remedy="try again later")
    return rows


def _error_code(body: bytes) -> Any:
    try:
        return json.loads(body)["code"]
    except (ValueError, KeyError, TypeError):
        return None
