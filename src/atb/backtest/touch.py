"""The built-in backtest on a book: market orders at the touch, one unit at most.

A prediction made at row t meets the book `latency` rows later: a buyer pays its best ask, a seller
gets its best bid. The position is kept until `hold` rows have passed since a prediction asked for
it last, or one asks for the opposite, which turns it. What is held in the last row of a session is
closed there: no order and no position reaches into another one.

One unit is small: that the touch holds enough of it, and that the book does not answer, is assumed.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from atb.backtest import sizing
from atb.backtest.costs import BASIS_POINT
from atb.backtest.hooks import trades
from atb.backtest.predictions import Predictions
from atb.backtest.result import TouchBacktest
from atb.backtest.round_trips import Quotes, curve, measure, round_trips
from atb.config.trading import TouchTrading
from atb.errors import DataError
from atb.market.lob.book import Book

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]


@trades("book")
def run(predictions: Predictions, book: Book, spec: TouchTrading) -> TouchBacktest:
    """Trade predictions on the book they were made from, beside who follows the last move.

    Following the last move is to ask, at the same rows and by the same rules, for the side to which
    the mid price moved over the last `hold` rows of the session.

    Args:
        predictions: `[M]`, with rows of this book.
        book: `[N]` rows with both best prices, in whole ticks.
        spec: threshold, latency, holding period and fee.

    Raises:
        DataError: when prices were normalised, a best price is missing, or no prediction has a row
            after it in which it could be traded.
        ValueError: when the spec says no holding period, see `TouchTrading.over`.
    """
    if spec.hold is None:
        raise ValueError("hold is None: say how long with spec.over(horizon)")
    first = int(predictions.rows[0])
    stop = min(int(predictions.rows[-1]) + spec.latency + spec.hold + 1, len(book))
    span = book.rows(first, stop)
    if len(span) < 2:
        raise DataError(
            f"none of {len(predictions)} predictions has a row after it to be traded in",
            remedy="give a book that reaches further",
        )
    quotes, rows, fee = _quotes(span), predictions.rows - first, spec.fee * BASIS_POINT
    asked = sizing.sides(predictions, spec.threshold)
    model, naive = (
        positions(rows, side, span.session, spec.latency, spec.hold)
        for side in (asked, _last_move(book, predictions.rows, spec.hold))
    )
    trips = round_trips(quotes, model, fee)
    return TouchBacktest(
        time=span.time,
        asked=asked,
        position=model,
        profit=curve(quotes, model, fee),
        followed=curve(quotes, naive, fee),
        trades=trips,
        performance=measure(trips, model),
        last_move=measure(round_trips(quotes, naive, fee), naive),
    )


def positions(rows: Int64, side: Float64, session: Int32, latency: int, hold: int) -> Float64:
    """What is held from each row to the next, `[E]`: -1, 0 or 1.

    Args:
        rows: `[M]` int64, rising, at which something was predicted.
        side: `[M]` float64 what each asks for: -1, 0 for nothing, or 1.
        session: `[E]` int32 number of each row's session.
        latency: rows between a prediction and the book its order meets.
        hold: rows a position is kept after the last prediction that asked for it.
    """
    count = len(session)
    wanted, newest = np.zeros(count), np.full(count, -1)
    asks = rows[side != 0]
    wanted[asks], newest[asks] = side[side != 0], asks
    newest = np.maximum.accumulate(newest)
    sent = np.arange(count) - latency  # rows whose orders are met here
    source = np.where(sent >= 0, newest[np.maximum(sent, 0)], -1)
    held = (source >= 0) & (sent - source < hold) & (session[source] == session)
    held &= session == np.append(session[1:], session[-1] + 1)  # not the last of its session
    return np.where(held, wanted[source], 0.0)


def _last_move(book: Book, rows: Int64, span: int) -> Float64:
    """The side `[M]` the mid price moved to over the last `span` rows; 0 where they are not there.

    Only rows up to each one are read.
    """
    earlier = np.maximum(rows - span, 0)
    known = (rows >= span) & (book.session[earlier] == book.session[rows])
    side: Float64 = np.sign(book.price[rows] - book.price[earlier])
    return np.where(known, side, 0.0)


def _quotes(book: Book) -> Quotes:
    """The best prices of a book in ticks.

    Raises:
        DataError: when it has no tick, or a side is empty.
    """
    where = f"{book.symbol} from {book.source}"
    if book.tick is None:
        raise DataError(
            "its prices were normalised: no profit can be counted in ticks",
            where=where,
            remedy="give the book with its prices as they were",
        )
    ask, bid = (book.side(f"{side}_price")[:, 0].astype(np.float64) for side in ("ask", "bid"))
    empty = int((~np.isfinite(ask - bid)).sum())
    if empty:
        raise DataError(
            f"a side is empty in {empty} of {len(book)} rows",
            where=where,
            remedy="leave these rows out: atb data check lob names them",
        )
    return Quotes(ask, bid)
