"""Where the bars of a live loop come from: the exchange as they close, or candles that were.

Asks the promoted model for the length of its bars and for how far it learned; knows nothing of
predictions, accounts or logs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from atb.clock import parse_time
from atb.config.data import CandleData
from atb.errors import DataError, UsageError
from atb.events import Listener, Warned
from atb.market import load, store
from atb.market.candles import Candles
from atb.market.feed import Feed
from atb.market.klines import Endpoints
from atb.market.live import BinanceFeed
from atb.market.replay import ReplayFeed
from atb.registry import document, integrity, promotion
from atb.registry.version import Version
from atb.runtime.promoted import no_candles
from atb.runtime.replay import recipe
from atb.workspace import Workspace

Name: TypeAlias = Literal["binance", "replay"]

SPEED = 3600.0  # of a replay, in multiples of the market's pace: an hour a second


@dataclass(frozen=True)
class Source:
    """Which bars, and how they come.

    Attributes:
        name: who gives them.
        candles: file of a replay; None for what is stored, or what the model learned from.
        speed: of a replay, in multiples of the market's pace; None is `SPEED`, or as fast as it
            can for one from the start.
        from_start: whether a replay begins at its first bar, not after what the model learned from.
        sleep_seconds: between two questions to an exchange whose bar is due.
    """

    name: Name
    candles: Path | None = None
    speed: float | None = None
    from_start: bool = False
    sleep_seconds: float = 10.0


def opened(workspace: Workspace, symbol: str, source: Source, listen: Listener) -> Feed:
    """The bars of a symbol, as long as those that its promoted model knows.

    Raises:
        UsageError: when no model of the symbol is promoted, or it is one of another market.
        IntegrityError: when the model is not what it was when it was promoted.
        DataError: when there are no candles to replay, or none that the model does not know yet.
    """
    version = promotion.promoted(workspace, symbol)
    integrity.verify(version.path)
    return _FEEDS[source.name](_Asked(workspace, version, _known(version), source, listen))


@dataclass(frozen=True)
class _Asked:
    workspace: Workspace
    version: Version
    data: CandleData
    source: Source
    listen: Listener


def _known(version: Version) -> CandleData:
    """The candles that a model learned from."""
    data = recipe(version.path).data
    if not isinstance(data, CandleData):
        raise no_candles(version, data.kind)
    return data


def _exchange(asked: _Asked) -> Feed:
    return BinanceFeed.of(
        asked.version.symbol,
        asked.data.timeframe,
        Endpoints(),
        asked.source.sleep_seconds,
        asked.listen,
    )


def _replay(asked: _Asked) -> Feed:
    source, candles = asked.source, _candles(asked)
    until = document.read(asked.version.path / "metadata.json")["learned_until"]
    first = int(np.searchsorted(candles.time, parse_time(until), "left"))
    if source.from_start:
        if first:
            asked.listen(
                Warned(f"the model learned from bars up to {until}; trust only later ones")
            )
        return ReplayFeed(candles, 0, source.speed)
    if first == len(candles):
        raise DataError(
            f"{asked.version.reference} learned from all of its bars, up to {until}",
            where=candles.source,
            remedy="give newer candles with --candles PATH, or replay them with --from-start",
        )
    return ReplayFeed(candles, first, source.speed or SPEED)


def _candles(asked: _Asked) -> Candles:
    """The file that is named, else what is stored, else the file the model learned from."""
    symbol, data, named = asked.version.symbol, asked.data, asked.source.candles
    if named is None and store.exists(asked.workspace, symbol, data.timeframe):
        return store.read(asked.workspace, symbol, data.timeframe)
    path = named or data.path
    if path is None:
        raise UsageError(
            f"no {data.timeframe} candles of {symbol} are stored to be replayed",
            remedy=f"name a file with --candles PATH, or: atb data fetch {symbol}",
        )
    return load.load(symbol, data.of_file(path), asked.workspace, asked.listen)


_FEEDS: Mapping[Name, Callable[[_Asked], Feed]] = {"binance": _exchange, "replay": _replay}
