"""A source's name turned into checked candles that say where they came from.

It decides which source answers and warns when that is not the one hoped for; how each is read is
in its own file.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from atb.clock import iso, now_ms, timeframe_ms
from atb.config.data import CandleData
from atb.errors import DataError, SourceUnavailableError, UsageError
from atb.events import Listener, Warned, silent
from atb.market import binance, checks, files, sample, store
from atb.market.candles import Candles
from atb.market.klines import SAFETY_MS, Endpoints
from atb.market.lob import pairs
from atb.market.lob.store import days
from atb.workspace import Workspace, check_symbol

DEFAULT_SPAN_MS = 731 * 86_400_000  # two years, one of them a leap year


@dataclass(frozen=True)
class Request:
    """Which candles are wanted, and what may be used to get them."""

    symbol: str
    spec: CandleData
    workspace: Workspace
    listen: Listener
    endpoints: Endpoints

    @property
    def span(self) -> tuple[int, int]:
        """Start and end in ms UTC of what an exchange is asked for: by default two years to now."""
        end = now_ms() if self.spec.end_ms is None else self.spec.end_ms
        start = end - DEFAULT_SPAN_MS if self.spec.start_ms is None else self.spec.start_ms
        return start, end


def load(
    symbol: str,
    spec: CandleData,
    workspace: Workspace,
    listen: Listener = silent,
    endpoints: Endpoints | None = None,
) -> Candles:
    """Candles of one symbol from the source the spec names, in order, without a fatal fault.

    Source `auto` takes the file if a path is given, else what the store holds completed by the
    exchange, else (with a warning) what the store holds, else (with a warning) the simulator.

    Args:
        symbol: the market.
        spec: timeframe, range, source and path.
        workspace: where the store and unfinished downloads lie.
        listen: told of progress and warnings.
        endpoints: another exchange server than Binance's own.

    Raises:
        UsageError: when source, path and symbol do not go together.
        DataError: when there are no such candles or they are damaged.
    """
    if spec.path is not None and spec.source not in ("auto", "file"):
        raise UsageError(
            f"a candle file is given, but the source is {spec.source!r}",
            remedy="leave out one of --candles and --source",
        )
    request = Request(check_symbol(symbol), spec, workspace, listen, endpoints or Endpoints())
    return SOURCES[spec.source](request)


def unchecked(target: str | Path, timeframe: str | None, workspace: Workspace) -> Candles:
    """Candles of a file, or of a stored symbol, as they stand, for `checks.inspect`.

    Without a timeframe a file's own is sniffed; of a stored symbol it is then `1h`.

    Raises:
        UsageError: when the timeframe is none.
        DataError: when they cannot be read, no timeframe fits, or it is an order book's name.
    """
    if timeframe is not None:
        timeframe_ms(timeframe)
    path = Path(target)
    if pairs.is_lobster(path):
        raise _order_book(target)
    if not _is_there(path) and path.name == str(target) and not path.suffix:
        timeframe = timeframe or CandleData().timeframe
        if not store.exists(workspace, str(target), timeframe) and days(workspace, str(target)):
            raise _order_book(target)
        return store.read_unchecked(workspace, str(target), timeframe)
    candles = files.read(path, path.stem, timeframe or CandleData().timeframe)
    if timeframe is None:
        timeframe = checks.sniff(candles.time)
    if timeframe is None:
        raise DataError(
            "its rows follow no known timeframe",
            where=str(path),
            remedy="name the one they should have with --timeframe",
        )
    return replace(candles, timeframe=timeframe)


def _order_book(target: str | Path) -> DataError:
    return DataError(
        "it is an order book, not candles",
        where=str(target),
        remedy=f"check it with: atb data check lob {target}",
    )


def _is_there(path: Path) -> bool:
    """Whether there is such a file; of a name that none can have, its reader says so."""
    try:
        return path.exists()
    except OSError:
        return True


def _file(request: Request) -> Candles:
    spec = request.spec
    if spec.path is None:
        raise UsageError("source 'file' needs a file", remedy="name it with --candles PATH")
    candles = files.read(spec.path, request.symbol, spec.timeframe)
    checks.require(checks.inspect(candles), str(spec.path))
    return _within(candles, spec.start_ms, spec.end_ms, str(spec.path))


def _binance(request: Request) -> Candles:
    start, end = request.span
    for first, last in _absent(request, start, end):
        _fetch(request, first, last)
    if not store.exists(request.workspace, request.symbol, request.spec.timeframe):
        raise DataError(
            f"Binance has no {request.spec.timeframe} candles of {request.symbol} "
            f"from {iso(start)} to {iso(end)}",
            remedy="give another range with --start and --end",
        )
    return _within(_stored(request), start, end, "Binance")


def _auto(request: Request) -> Candles:
    if request.spec.path is not None:
        return _file(request)
    try:
        return _binance(request)
    except SourceUnavailableError as error:
        return _offline(request, error)


def _offline(request: Request, error: SourceUnavailableError) -> Candles:
    """The stored candles of the range if there are any, else simulated ones; with a warning."""
    reason = f"Binance cannot be asked ({error.where} {error.what})"
    if store.exists(request.workspace, request.symbol, request.spec.timeframe):
        found = _stored(request).between(request.spec.start_ms, request.spec.end_ms)
        if len(found):
            first, last = iso(int(found.time[0])), iso(int(found.time[-1]))
            request.listen(Warned(f"{reason}; using stored candles from {first} to {last}"))
            return found
    request.listen(
        Warned(
            f"{reason} and nothing is stored: SYNTHETIC candles from the simulator are used; "
            "give real ones with --candles PATH"
        )
    )
    return _sample(request)


def _sample(request: Request) -> Candles:
    spec = request.spec
    end = spec.end_ms
    if end is None:
        late = spec.start_ms is not None and spec.start_ms >= sample.DEFAULT_END_MS
        end = (spec.start_ms or 0) + DEFAULT_SPAN_MS if late else sample.DEFAULT_END_MS
    start = end - DEFAULT_SPAN_MS if spec.start_ms is None else spec.start_ms
    seed = zlib.crc32(request.symbol.encode())
    candles = sample.simulate(request.symbol, spec.timeframe, start, end, seed)
    return _within(candles, start, end, "the simulator")


def _stored(request: Request) -> Candles:
    return store.read(request.workspace, request.symbol, request.spec.timeframe)


def _absent(request: Request, start: int, end: int) -> list[tuple[int, int]]:
    """What the store lacks of a range; joined to what it has, so that it never has holes."""
    timeframe = request.spec.timeframe
    end = min(end, now_ms() - SAFETY_MS - timeframe_ms(timeframe) + 1)
    if not store.exists(request.workspace, request.symbol, timeframe):
        return [(start, end)] if start < end else []
    step, time = timeframe_ms(timeframe), _stored(request).time
    before = (start, int(time[0])) if start <= time[0] - step else (0, 0)
    after = (int(time[-1]) + step, end)
    return [span for span in (before, after) if span[0] < span[1]]


def _fetch(request: Request, start: int, end: int) -> None:
    """Download into the store; archives are forgotten once their candles are in it."""
    symbol, timeframe = request.symbol, request.spec.timeframe
    folder = request.workspace.downloads / symbol / timeframe
    candles = binance.download(
        symbol, timeframe, start, end, folder, request.listen, request.endpoints
    )
    if len(candles):
        checks.require(checks.inspect(candles), f"Binance {symbol} {timeframe}")
        store.merge(request.workspace, candles)
    for archive in folder.glob("*.zip*"):
        archive.unlink(missing_ok=True)


def _within(candles: Candles, start: int | None, end: int | None, where: str) -> Candles:
    found = candles.between(start, end)
    if len(found) == 0:
        covered = (
            f"it has {iso(int(candles.time[0]))} to {iso(int(candles.time[-1]))}"
            if len(candles)
            else "the range is shorter than one bar"
        )
        raise DataError(
            f"no candles from {'the first' if start is None else iso(start)} "
            f"to {'the last' if end is None else iso(end)}: {covered}",
            where=where,
            remedy="give another range with --start and --end",
        )
    return found


SOURCES: dict[str, Callable[[Request], Candles]] = {
    "auto": _auto,
    "binance": _binance,
    "file": _file,
    "sample": _sample,
}
