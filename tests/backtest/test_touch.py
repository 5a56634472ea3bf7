"""Trading at the touch against arithmetic by hand, an order-by-order ledger, and its laws."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.backtest.predictions import Predictions
from atb.backtest.round_trips import FEWEST_TRADES
from atb.backtest.touch import positions, run
from atb.config.trading import TouchTrading
from atb.errors import DataError
from atb.market.lob.book import Book
from atb.market.lob.files import read

UP, FLAT, DOWN = [0.1, 0.2, 0.7], [0.2, 0.6, 0.2], [0.6, 0.3, 0.1]
seeds = st.integers(0, 2**32 - 1)


def book(bid: Any, spread: Any = 2, session: Any = None, tick: float | None = 0.01) -> Book:
    """One level with these best bids in ticks, an event each millisecond."""
    bids = np.asarray(bid, float)
    size = np.ones(len(bids))
    levels = np.stack([bids + spread, size, bids, size], axis=1)
    session = np.zeros(len(bids)) if session is None else session
    time = 1_000_000 * np.arange(len(bids))
    return Book("X", time, levels, size, session, tick)


def asks(*said: Any, first: int = 0) -> Predictions:
    """Probabilities at rows one after another."""
    return Predictions(np.arange(first, first + len(said)), np.array(said, float), "probabilities")


def spec(hold: int = 1, latency: int = 0, fee: float = 0.0, threshold: float = 0.0) -> TouchTrading:
    return TouchTrading(hold=hold, latency=latency, fee=fee, threshold=threshold)


def random_market(seed: int, rows: int = 80) -> tuple[Book, Predictions]:
    """A book of several sessions with a spread that varies, and predictions at some rows."""
    random = np.random.default_rng(seed)
    bid = 1000 + np.cumsum(random.integers(-2, 3, rows))
    made = book(bid, random.integers(1, 5, rows), np.cumsum(random.random(rows) < 0.05))
    at = np.union1d(np.flatnonzero(random.random(rows) < random.uniform(0.05, 1)), [3])
    return made, Predictions(at, random.normal(0, 1, len(at)), "move")


def test_a_buyer_pays_the_ask_and_a_seller_gets_the_bid_by_hand():
    """Bought at 102 in row 0; sold at 105 in row 2, and once more; bought at 103 in row 4."""
    done = run(asks(UP, FLAT, DOWN), book([100, 103, 105, 100, 101, 99]), spec(hold=2))
    assert done.position.tolist() == [1, 1, -1, -1, 0]
    assert done.performance.trades == 2
    assert done.performance.gross_ticks_per_trade == (3 + 2) / 2
    assert done.performance.net_ticks_total == 5
    assert done.performance.win_rate == 1
    assert done.performance.spread_ticks_per_trade == 2
    assert done.performance.events_per_trade == 2
    assert done.performance.exposure == 4 / 5
    # 1 tick below the mid after buying, then the mids; sold twice at 1 below it, bought at 1 above
    assert done.profit == pytest.approx([-1, 2, 2, 7, 5], abs=1e-9)


@pytest.mark.parametrize(("trades", "enough"), [(19, False), (20, True)])
def test_few_trades_have_no_interval(trades, enough):
    made = book(np.random.default_rng(0).integers(100, 200, 2 * trades + 2))
    traded = run(asks(*[UP, FLAT] * trades), made, spec(hold=1)).performance
    assert traded.trades == trades
    assert traded.net_ticks_per_trade is not None
    bounds = (traded.gross_ticks_low, traded.gross_ticks_high, traded.net_ticks_low,
              traded.net_ticks_high)  # fmt: skip
    assert [bound is not None for bound in bounds] == [enough] * 4


def test_fees_by_hand():
    done = run(asks(UP), book([1000, 1010, 1010], spread=10), spec(hold=1, fee=50))
    fees = 0.005 * (1010 + 1010)
    assert done.performance.gross_ticks_per_trade == 0
    assert done.performance.net_ticks_per_trade == pytest.approx(-fees, abs=1e-9)
    assert done.performance.fee_ticks_per_trade == pytest.approx(fees, abs=1e-9)
    assert done.performance.win_rate == 0
    assert done.profit[-1] == pytest.approx(-fees, abs=1e-9)


@pytest.mark.parametrize(
    ("said", "latency", "hold", "expected"),
    [
        ([UP], 0, 2, [1, 1, 0]),
        ([UP], 2, 2, [0, 0, 1, 1, 0]),
        ([UP, FLAT, FLAT], 1, 2, [0, 1, 1, 0, 0, 0]),  # flat asks for nothing
        ([UP, FLAT, UP], 0, 2, [1, 1, 1, 1, 0]),  # asked for again before it is over
        ([UP, DOWN], 0, 3, [1, -1, -1, -1, 0]),  # turned
        ([UP, UP, UP], 0, 1, [1, 1, 1, 0]),  # never more than one
        ([FLAT, FLAT], 0, 1, [0, 0, 0]),
    ],
)
def test_what_is_held_by_hand(said, latency, hold, expected):
    done = run(asks(*said), book(np.full(20, 100)), spec(hold, latency))
    assert done.position.tolist() == expected
    assert done.time.tolist() == list(range(len(expected)))


def test_everything_is_closed_in_the_last_row_of_a_session_and_no_order_reaches_the_next():
    session = [0, 0, 0, 0, 5, 5, 5, 5]
    made = book([100, 101, 102, 103, 200, 201, 202, 203], session=session)
    done = run(asks(UP), made, spec(hold=6))
    assert done.position.tolist() == [1, 1, 1, 0, 0, 0, 0]
    assert done.performance.net_ticks_total == 103 - 102
    late = run(asks(UP, first=2), made, spec(hold=3, latency=2))
    assert late.position.tolist() == [0] * 6
    assert late.performance.trades == 0
    assert late.performance.net_ticks_per_trade is None


def test_only_what_exceeds_the_threshold_is_traded():
    still = book(np.full(9, 100))
    said = asks([0.3, 0.2, 0.5], FLAT, [0.35, 0.2, 0.45], FLAT)
    assert run(said, still, spec(threshold=15)).position.tolist() == [1, 0, 0, 0, 0]
    moves = Predictions(np.arange(4), np.array([0.5, -0.51, 0.49, 0.0]), "move")
    assert run(moves, still, spec(threshold=0.5)).position.tolist() == [0, -1, 0, 0, 0]


def test_the_last_move_is_followed_by_the_same_rules():
    """Over two rows: up at row 2, down at rows 4 and 5; before there is no move to follow."""
    made = book([100, 100, 103, 100, 101, 99, 99, 99, 99], session=[0] * 8 + [1])
    done = run(asks(*[FLAT] * 6), made, spec(hold=2))
    assert done.performance.trades == 0
    # 105 - 100 lost by buying at 105, selling at 101 (row 4); sold at 101, bought at 101 (row 7)
    assert done.last_move.trades == 2
    assert done.last_move.net_ticks_total == (101 - 105) + (101 - 101)
    assert done.followed[-1] == pytest.approx(-4, abs=1e-9)


def test_what_happened_overnight_is_no_move_to_follow():
    made = book([100, 100, 200, 200, 200, 200, 200], session=[0, 0, 1, 1, 1, 1, 1])
    assert run(asks(*[FLAT] * 4), made, spec(hold=2)).last_move.trades == 0


def test_a_shorter_move_than_is_followed_is_none():
    """The book begins two rows before the last prediction, and three would be looked back on."""
    assert (
        run(asks(*[FLAT] * 3), book([100, 110, 120, 130, 140]), spec(hold=3)).last_move.trades == 0
    )


def ledger(made: Book, said: Predictions, how: TouchTrading) -> tuple[list[float], float]:
    """Net ticks of each round trip, and all of them, by orders one after another."""
    ask, bid = made.levels[:, 0].astype(float), made.levels[:, 2].astype(float)
    side = dict(zip(said.rows.tolist(), np.sign(said.value).tolist(), strict=True))
    held, entry, until, trips = 0.0, 0.0, -1, []

    def close(row: int) -> None:
        nonlocal held
        price = bid[row] if held > 0 else ask[row]
        trips.append(held * (price - entry) - how.fee / 1e4 * (price + entry))
        held = 0.0

    for row in range(len(made)):
        last = row + 1 == len(made) or made.session[row + 1] != made.session[row]
        sent = row - how.latency
        wish = side.get(sent, 0.0) if sent >= 0 and made.session[sent] == made.session[row] else 0.0
        if wish:
            until = sent + how.hold + how.latency
        if held and (last or (wish and wish != held) or row >= until):
            close(row)
        if wish and not held and not last:
            held, entry = wish, ask[row] if wish > 0 else bid[row]
    return trips, sum(trips)


@settings(deadline=None, max_examples=150)
@given(seeds, st.integers(1, 12), st.integers(0, 5), st.sampled_from([0.0, 3.0]))
def test_it_is_that_of_a_ledger_kept_order_by_order(seed, hold, latency, fee):
    made, said = random_market(seed)
    how = spec(hold, latency, fee)
    done = run(said, made, how)
    trips, total = ledger(made, said, how)
    assert done.performance.trades == len(trips)
    assert done.performance.net_ticks_total == pytest.approx(total, abs=1e-9)
    assert done.profit[-1] == pytest.approx(total, abs=1e-9)
    if trips:
        assert done.performance.net_ticks_per_trade == pytest.approx(np.mean(trips), abs=1e-9)
        assert done.performance.win_rate == np.mean(np.array(trips) > 0)


def test_a_real_book_by_the_same_ledger(market_data: Path):
    """Following the last move does not earn there the spread it pays."""
    (file,) = (market_data / "lob").glob("BTCUSD_bitstamp_book20_*.parquet")
    made = read(file, "BTCUSD")
    rows = np.arange(100, len(made) - 20)
    moved = np.sign(made.price[rows] - made.price[rows - 10])
    how = spec(hold=10, latency=1, fee=1)
    done = run(Predictions(rows, moved, "move"), made, how)
    trips, total = ledger(made, Predictions(rows, moved, "move"), how)
    assert done.performance == done.last_move
    assert done.performance.trades == len(trips) > 50
    assert done.profit[-1] == pytest.approx(total, abs=1e-6)
    assert done.performance.gross_ticks_high < 0


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 12))
def test_without_spread_fee_and_latency_the_profit_is_the_mid_changes_held(seed, hold):
    made, said = random_market(seed)
    tight = book(made.levels[:, 2], 0, made.session)
    done = run(said, tight, spec(hold))
    first = said.rows[0]
    mid = tight.levels[first : first + len(done.position), 2].astype(float)
    moved = np.concatenate([[0], np.cumsum(done.position[:-1] * np.diff(mid))])
    assert done.profit == pytest.approx(moved, abs=1e-9)
    assert done.performance.net_ticks_total == pytest.approx(moved[-1], abs=1e-9)


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(1, 12), st.integers(0, 5))
def test_in_a_still_book_each_round_trip_costs_the_spread_and_the_fees(seed, hold, latency):
    _, said = random_market(seed)
    done = run(said, book(np.full(80, 1000), 3), spec(hold, latency, fee=1))
    figures = done.performance
    assert figures.net_ticks_total == pytest.approx(-figures.trades * (3 + 1e-4 * 2003), abs=1e-9)
    if figures.trades:
        assert figures.gross_ticks_per_trade == -3
        bounds = {figures.gross_ticks_low, figures.gross_ticks_high}
        assert bounds == ({-3} if figures.trades >= FEWEST_TRADES else {None})
        assert figures.win_rate == 0


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(0, 79), st.integers(0, 5))
def test_nothing_is_filled_before_its_prediction_is_known_or_by_a_later_one(seed, row, latency):
    """Another prediction at a row changes nothing held before that row and its latency."""
    made, said = random_market(seed)
    row = said.rows[row % len(said)]
    other = np.where(said.rows >= row, -said.value, said.value)
    first, second = (
        run(one, made, spec(4, latency)).position
        for one in (said, Predictions(said.rows, other, "move"))
    )
    until = row - said.rows[0] + latency
    assert first[:until].tolist() == second[:until].tolist()
    assert not first[: min(latency, until)].any()


@settings(deadline=None, max_examples=60)
@given(seeds, st.integers(2, 70))
def test_later_rows_of_the_book_change_no_profit_made_before(seed, cut):
    made, said = random_market(seed)
    levels = made.levels.copy()
    levels[cut:, [0, 2]] += 500
    done, other = (run(said, one, spec(4, 1)) for one in (made, replace(made, levels=levels)))
    before = max(cut - said.rows[0], 0)
    for name in ("profit", "followed", "position"):
        assert getattr(done, name)[:before].tolist() == getattr(other, name)[:before].tolist()


def test_the_interval_of_the_profit_per_trade_is_that_of_its_trades():
    random = np.random.default_rng(1)
    bid = 10_000 + np.cumsum(random.integers(-3, 4, 6000))
    side = np.where(random.random(3000) < 0.5, 1.0, -1.0)
    done = run(Predictions(np.arange(0, 6000, 2), side, "move"), book(bid), spec(hold=1))
    figures = done.performance
    assert figures.trades > 2900
    assert (
        figures.gross_ticks_low
        < figures.gross_ticks_per_trade
        == figures.net_ticks_per_trade
        < figures.gross_ticks_high
    )
    half = 1.96 * 2 / np.sqrt(figures.trades)  # a step of -3 to 3 ticks deviates by 2
    assert figures.gross_ticks_high - figures.gross_ticks_low == pytest.approx(2 * half, rel=0.15)


def test_the_figures_are_plain_json_beside_those_of_the_rival():
    made, said = random_market(3)
    answer = run(said, made, spec(5, fee=1)).to_json()
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    rest = {name: value for name, value in answer.items() if name != "last_move"}
    assert rest.keys() - answer["last_move"].keys() == {"first", "last", "events"}
    none = run(asks(FLAT, FLAT), made, spec(5)).to_json()
    assert (none["trades"], none["net_ticks_total"], none["net_ticks_per_trade"]) == (0, 0, None)


def test_what_cannot_be_traded_is_refused():
    with pytest.raises(DataError, match=r"X from memory.*normalised: no profit can be counted"):
        run(asks(UP), book([1, 2, 3], tick=None), spec())
    with pytest.raises(DataError, match="a side is empty in 1 of 2 rows"):
        run(asks(UP), book([1, np.nan, 3]), spec())
    with pytest.raises(DataError, match="none of 1 predictions has a row after it"):
        run(asks(UP, first=2), book([1, 2, 3]), spec())
    with pytest.raises(ValueError, match="say how long"):
        run(asks(UP), book([1, 2, 3]), TouchTrading())


def test_a_holding_period_that_was_not_told_is_the_horizon():
    assert TouchTrading().over(20).hold == 20
    assert TouchTrading(hold=5).over(20).hold == 5


def test_positions_know_rows_and_sessions_only():
    session = np.array([0, 0, 0, 1, 1, 1], np.int32)
    side = np.array([1.0, -1.0])
    assert positions(np.array([0, 3]), side, session, 0, 9).tolist() == [1, 1, 0, -1, -1, 0]
