"""The simulated book: repeatable, sound, like a book, and the same through LOBSTER's files."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.market.lob import checks, lobster, sample
from atb.market.lob.zero_intelligence import (
    BUY,
    DELETED,
    EXECUTED,
    LOT,
    REDUCED,
    SELL,
    SUBMITTED,
    Auction,
)


@pytest.fixture(scope="module")
def book():
    return sample.simulate("SYN", 20_000, seed=7)


def test_it_says_that_it_is_synthetic(book):
    assert (book.symbol, book.source, book.synthetic, book.tick) == ("SYN", "sample", True, 0.01)
    assert (len(book), book.depth, set(book.session.tolist())) == (20_000, 10, {0})


def test_the_seed_decides(book):
    assert sample.simulate("SYN", 20_000, seed=7).sha256() == book.sha256()
    assert sample.simulate("SYN", 20_000, seed=8).sha256() != book.sha256()


def test_a_shorter_run_is_the_beginning_of_a_longer_one(book):
    assert sample.simulate("SYN", 500, seed=7).sha256() == book.rows(0, 500).sha256()


def test_it_is_sound_with_all_levels_of_both_sides(book):
    report = checks.inspect(book)
    assert not any(report.counts.values())
    checks.require(report, "the simulator")


def test_it_looks_like_a_book(book):
    spread = book.side("ask_price")[:, 0] - book.side("bid_price")[:, 0]
    assert spread.min() >= 1
    assert 1 < spread.mean() < 10
    assert 0.03 < np.mean(np.diff(book.price) != 0) < 0.3
    assert 0.02 < np.mean(book.traded > 0) < 0.2
    assert 0.02 < np.mean(book.traded < 0) < 0.2
    assert book.time_ns[-1] > book.time_ns[0]
    sizes = np.concatenate([book.side("ask_size"), book.side("bid_size")])
    assert (sizes % LOT == 0).all()


def test_buyers_lift_the_ask_and_sellers_hit_the_bid(book):
    """What is traded is what the best level of that side loses, or more if it is used up."""
    for sign, side in ((1, "ask"), (-1, "bid")):
        rows = np.flatnonzero(book.traded * sign > 0)[1:]
        price, size = book.side(f"{side}_price")[:, 0], book.side(f"{side}_size")[:, 0]
        same = rows[price[rows] == price[rows - 1]]
        np.testing.assert_array_equal(size[same - 1] - size[same], np.abs(book.traded[same]))
        gone = rows[price[rows] != price[rows - 1]]
        assert (sign * (price[gone] - price[gone - 1]) > 0).all()
        np.testing.assert_array_equal(size[gone - 1], np.abs(book.traded[gone]))


def test_a_run_too_long_for_a_day_is_pressed_into_one():
    seconds = np.array([0.0, 1e4, 2e4])
    time = sample._time_of_day(seconds)
    assert time.tolist() == [34_200 * 10**9, 45_900 * 10**9, 57_600 * 10**9]


@pytest.mark.parametrize("levels", [1, 5, 10])
def test_lobster_files_are_the_same_book(tmp_path, levels):
    paths = sample.write_lobster(tmp_path, "SYN", sample.DAY, 3_000, 7, levels)
    assert [path.name for path in paths] == [
        f"SYN_2024-01-02_34200000_57600000_{kind}_{levels}.csv" for kind in ("message", "orderbook")
    ]
    read = lobster.read(tmp_path)
    assert read.tick == 0.01
    assert read.sha256() == sample.simulate("SYN", 3_000, 7, levels).sha256()


def test_another_day_is_the_same_book_at_another_time(tmp_path):
    sample.write_lobster(tmp_path, "SYN", date(2024, 7, 1), 300, 7)
    read, made = lobster.read(tmp_path), sample.simulate("SYN", 300, 7)
    np.testing.assert_array_equal(read.levels, made.levels)
    apart = lobster.midnight_ns(date(2024, 7, 1)) - lobster.midnight_ns(sample.DAY)
    assert set((read.time_ns - made.time_ns).tolist()) == {apart}


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), levels=st.integers(1, 20))
def test_each_state_follows_from_the_one_before_and_the_event(seed, levels):
    """Replay: sizes by price, changed by each event alone, hold every level that is told."""
    auction = Auction(levels, np.random.default_rng(seed))
    known = {SELL: {}, BUY: {}}
    orders = {}
    for event, _ in zip(auction.events(), range(400), strict=False):
        assert event.kind in (SUBMITTED, REDUCED, DELETED, EXECUTED)
        sign = 1 if event.kind == SUBMITTED else -1
        sizes = known[event.direction]
        if event.price in sizes:
            sizes[event.price] += sign * event.size
        if event.kind == SUBMITTED:
            orders[event.order] = event.size
        elif event.order in orders:
            orders[event.order] -= event.size
            assert orders[event.order] > 0 if event.kind == REDUCED else orders[event.order] >= 0
            assert event.kind != DELETED or orders[event.order] == 0
        state = np.array(auction.state()).reshape(levels, 4)
        for direction, rows in ((SELL, state[:, :2]), (BUY, state[:, 2:])):
            prices = rows[:, 0].tolist()
            told = dict(rows.tolist())
            assert (np.diff(prices) * direction < 0).all()
            for price, size in told.items():
                assert known[direction].setdefault(price, size) == size > 0
            reached = (
                price
                for price in known[direction]
                if price * direction >= min(price * direction for price in prices)
            )
            assert {p: known[direction][p] for p in reached if known[direction][p]} == told
        assert state[0, 0] > state[0, 2]
