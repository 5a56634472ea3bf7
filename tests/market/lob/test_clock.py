"""A clock takes rows; it invents none, loses no trade of a session and looks at no later row."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from atb.config.data import BookData
from atb.errors import ConfigError
from atb.market.lob import clock
from atb.market.lob.book import Book

SECOND = 10**9


def book(seconds, traded=None, session=None):
    """One level a side whose ask price is the row's position."""
    rows = len(seconds)
    levels = np.ones((rows, 4), np.float32)
    levels[:, 0] = np.arange(rows)
    return Book(
        "TEST",
        np.array([round(s * SECOND) for s in seconds], np.int64),
        levels,
        np.zeros(rows) if traded is None else np.array(traded),
        np.zeros(rows) if session is None else np.array(session),
        tick=0.01,
        synthetic=True,
    )


def rows(sampled):
    return sampled.levels[:, 0].astype(int).tolist()


def test_every_event_is_the_book_itself():
    whole = book([1, 2, 3], [1, 2, 3])
    assert clock.sampled(whole, "event", 1.0) is whole


def test_every_second_event_of_each_session():
    found = clock.sampled(
        book(range(8), traded=[1, -2, 4, 8, 16, 32, 64, 128], session=[0] * 5 + [1] * 3), "event", 2
    )
    assert rows(found) == [1, 3, 6]
    assert found.traded.tolist() == [-1, 12, 96]  # 16 and 128 belong to no full step
    assert found.session.tolist() == [0, 0, 1]
    assert found.time_ns.tolist() == [SECOND, 3 * SECOND, 6 * SECOND]
    assert (found.symbol, found.tick, found.synthetic) == ("TEST", 0.01, True)


def test_the_last_row_before_each_ten_seconds():
    found = clock.sampled(
        book([1, 9.5, 10, 11, 35, 41, 42, 51], range(8), [0] * 6 + [1] * 2), "time", 10
    )
    # Between 20 and 30 nothing happened; at 35 the next known row is that of 41.
    assert rows(found) == [1, 3, 4, 6]
    assert (found.time_ns / SECOND).tolist() == [10, 20, 40, 50]
    assert found.traded.tolist() == [1, 5, 4, 6]


def test_the_last_row_of_a_session_is_not_known_to_be_the_last_of_its_step():
    found = clock.sampled(book([1, 2, 15, 16, 25], session=[0, 0, 1, 1, 1]), "time", 10)
    assert rows(found) == [3]


def test_a_step_of_time_that_nanoseconds_cannot_count_is_refused():
    with pytest.raises(ValidationError, match="every"):
        BookData(clock="time", every=1e12)
    longest = BookData(clock="time", every=1e9)
    assert len(clock.sampled(book([1, 2]), longest.clock, longest.every)) == 0


def test_a_row_each_time_a_hundred_have_traded():
    found = clock.sampled(
        book(range(8), [60, -40, 0, 250, 49, 1, -99, 1], [0] * 6 + [1] * 2), "volume", 100
    )
    assert rows(found) == [1, 3, 5, 7]
    assert found.traded.tolist() == [20, 250, 50, -98]
    first = clock.sampled(book([0, 1], [100, 0]), "volume", 100)
    assert rows(first) == [0]


@pytest.mark.parametrize(("name", "every"), [("event", 2), ("time", 1), ("volume", 5)])
def test_an_empty_book_stays_empty(name, every):
    assert len(clock.sampled(book([]), name, every)) == 0


@pytest.mark.parametrize(
    ("name", "every"), [("event", 0), ("event", 2.5), ("time", -1), ("volume", np.nan)]
)
def test_an_impossible_step(name, every):
    with pytest.raises(ConfigError, match=f"{name} clock"):
        clock.sampled(book([1, 2]), name, every)


@st.composite
def books(draw):
    count = draw(st.integers(1, 60))
    steps = draw(st.lists(st.integers(0, 3000), min_size=count, max_size=count))
    traded = draw(st.lists(st.integers(-50, 50), min_size=count, max_size=count))
    session = np.cumsum(
        draw(st.lists(st.sampled_from([0, 0, 0, 1]), min_size=count, max_size=count))
    )
    return book(np.cumsum(steps) / 1000, traded, session)


CLOCKS = st.one_of(
    st.tuples(st.just("event"), st.integers(1, 9)),
    st.tuples(st.just("time"), st.sampled_from([0.25, 0.5, 1, 3, 60])),
    st.tuples(st.just("volume"), st.sampled_from([1, 7, 40, 400])),
)


@given(books(), CLOCKS)
def test_rows_are_rows_of_the_book_and_never_later_than_their_time(whole, clock_every):
    found = clock.sampled(whole, *clock_every)
    taken = rows(found)
    assert taken == sorted(set(taken))
    assert (whole.time_ns[taken] <= found.time_ns).all()
    assert whole.session[taken].tolist() == found.session.tolist()
    same = np.diff(found.session) == 0
    assert (np.diff(found.time_ns)[same] >= 0).all()


@given(books(), CLOCKS)
def test_no_trade_is_lost_up_to_a_sessions_last_row(whole, clock_every):
    found = clock.sampled(whole, *clock_every)
    taken = np.array(rows(found), int)
    for session in np.unique(whole.session):
        within = taken[found.session == session]
        last = within[-1] + 1 if len(within) else 0
        expected = whole.traded[:last][whole.session[:last] == session].sum()
        assert found.traded[found.session == session].sum() == expected


@given(books(), CLOCKS, st.integers(1, 60))
def test_what_comes_later_changes_no_row(whole, clock_every, cut):
    early = clock.sampled(whole.rows(0, cut), *clock_every)
    late = clock.sampled(whole, *clock_every)
    assert early.sha256() == late.rows(0, len(early)).sha256()
