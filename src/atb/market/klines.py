"""Klines of one spot market by Binance's REST interface: the first of a span, or the newest.

It knows the exchange's addresses and forms, and nothing of archives, the present or the store: an
unfinished bar comes like any other, and whoever asks says until when.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import requests

from atb.clock import epoch_to_ms, timeframe_ms
from atb.errors import DataError, UsageError
from atb.events import Listener, Progress, silent
from atb.market.candles import COLUMNS, Candles, joined
from atb.market.download import Patience, RefusedError, get_json

SAFETY_MS = 2_000  # a bar is taken for closed this long after its close time
_PER_REQUEST = 1_000
_TOO_NEW = 2  # bars that may come though not asked for: the unfinished one, and one just closed
_NO_SYMBOL = (-1100, -1121)  # illegal characters, unknown symbol


@dataclass(frozen=True)
class Endpoints:
    """Where the exchange is found, and how patiently it is asked."""

    archives: str = "https://data.binance.vision/data/spot"
    rest: str = "https://data-api.binance.vision/api/v3"  # public market data, served everywhere
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True)
class Klines:
    """The bars of one symbol and timeframe.

    Errors of all that ask:
        UsageError: when the exchange does not list the symbol.
        SourceUnavailableError: when it cannot be reached.
        DataError: when what it sends is damaged.
    """

    symbol: str
    timeframe: str
    session: requests.Session
    rest: str
    patience: Patience

    def span(self, start_ms: int, end_ms: int, listen: Listener = silent) -> Candles:
        """Bars that open from `start_ms` to `end_ms` (exclusive), page by page."""
        step = timeframe_ms(self.timeframe)
        task = f"{self.symbol} {self.timeframe} latest bars"
        start, pages = start_ms, [self.none()]
        while start < end_ms:
            page = self.page(start, end_ms)
            if len(page) == 0:
                break
            pages.append(page)
            start = int(page.time[-1]) + step
            listen(Progress(task, (start - start_ms) // step, (end_ms - start_ms) // step))
        return joined(pages)

    def newest(self, bars: int, end_ms: int) -> Candles:
        """The newest bars that open before `end_ms`: so many, over gaps too, or all there are."""
        pages, wanted = [self.none()], bars
        while wanted > 0:
            page = self.page(None, end_ms, min(wanted + _TOO_NEW, _PER_REQUEST))
            if len(page) == 0:
                break
            pages.append(page)
            wanted, end_ms = wanted - len(page), int(page.time[0])
        found = joined(pages)
        return found.rows(max(0, len(found) - bars), len(found))

    def page(self, start_ms: int | None, end_ms: int, limit: int = _PER_REQUEST) -> Candles:
        """The first `limit` bars that open before `end_ms`; the newest when there is no start."""
        params: dict[str, str | int] = {
            "symbol": self.symbol,
            "interval": self.timeframe,
            **({} if start_ms is None else {"startTime": start_ms}),
            "endTime": end_ms - 1,
            "limit": limit,
        }
        page = self._candles(self._rows(params))
        early = start_ms is not None and len(page) and page.time[0] < start_ms
        if early or np.any(np.diff(page.time) <= 0):
            raise DataError(
                "the klines are not in order", where=self._url, remedy="try again later"
            )
        return page.between(None, end_ms)

    def none(self) -> Candles:
        """No bars."""
        return self._candles([])

    @property
    def _url(self) -> str:
        return f"{self.rest}/klines"

    def _rows(self, params: dict[str, str | int]) -> list[Any]:
        try:
            rows = get_json(self.session, self._url, self.patience, params)
        except RefusedError as error:
            if _error_code(error.body) not in _NO_SYMBOL:
                raise
            raise UsageError(
                f"Binance lists no spot market {self.symbol!r}",
                remedy="write it as the exchange does, or give its candles with --candles PATH",
            ) from error
        if not isinstance(rows, list):
            raise DataError(
                "the answer is no list of klines", where=self._url, remedy="try again later"
            )
        return rows

    def _candles(self, rows: Sequence[Sequence[Any]]) -> Candles:
        """Candles of kline rows; the first six cells of each are time and the five columns."""
        try:
            cells = np.array([[float(cell) for cell in row[:6]] for row in rows], np.float64)
            values = dict(zip(("time", *COLUMNS), cells.reshape(len(rows), 6).T, strict=True))
        except (OverflowError, TypeError, ValueError) as error:
            raise DataError(
                "the answer holds no klines", where=self._url, remedy="try again later"
            ) from error
        time = values["time"].astype(np.int64)
        columns = {**values, "time": epoch_to_ms(time) if len(time) else time}
        return Candles.from_columns(self.symbol, self.timeframe, columns, source="binance")


def _error_code(body: bytes) -> Any:
    try:
        return json.loads(body)["code"]
    except (ValueError, KeyError, TypeError):
        return None
