"""LOBSTER's files become the book they tell of, to the nanosecond; damage is one clear answer."""

from __future__ import annotations

import zipfile
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atb.clock import parse_time
from atb.errors import DataError
from atb.events import Warned
from atb.market.lob import checks, lobster, lobster_text

MIDNIGHT_NS = parse_time("2012-06-21T04:00") * 10**6  # New York is four hours behind in summer
STATE = "1000200,10,1000100,20,1000300,30,1000000,40"
CROSSED = "1000000,10,1000100,20,1000300,30,999900,40"
LOCKED = "1000100,10,1000100,20,1000300,30,1000000,40"
NO_BID = "1000200,10,-9999999999,0,1000300,30,-9999999999,0"


def event(seconds, kind=1, size=100, price=1000100, direction=1):
    return f"{seconds},{kind},7,{size},{price},{direction}"


def events(count):
    return [event(34200 + second) for second in range(count)]


def test_a_small_book_read_by_hand(write_lobster):
    path = write_lobster(
        [
            event("34200.000000001", kind=1),
            event("34200.5", kind=4, size=30, direction=-1),
            event("34200.5", kind=5, size=7, direction=1),
            event("34201.123456789", kind=6, size=900, direction=-1),
            event("57600", kind=3),
        ],
        [
            STATE,
            "1000300,11,1000100,21,9999999999,0,1000000,41",
            "1000200,12,1000100,22,9999999999,0,-9999999999,0",
            STATE,
            STATE,
        ],
    )
    book = lobster.read(path)
    assert (book.symbol, book.source, book.tick, book.synthetic) == ("TEST", "lobster", 0.01, False)
    assert (book.time_ns - MIDNIGHT_NS).tolist() == [
        34_200_000_000_001,
        34_200_500_000_000,
        34_200_500_000_000,
        34_201_123_456_789,
        57_600_000_000_000,
    ]
    nan = np.nan
    state = [10002, 10, 10001, 20, 10003, 30, 10000, 40]
    expected = [
        state,
        [10003, 11, 10001, 21, nan, 0, 10000, 41],
        [10002, 12, 10001, 22, nan, 0, nan, 0],
        state,
        state,
    ]
    np.testing.assert_array_equal(book.levels, np.float32(expected))
    assert book.traded.tolist() == [0, 30, -7, 0, 0]  # a sell order executed: the buyer took it
    assert book.session.tolist() == [0] * 5
    assert book.price[0] == pytest.approx(100.015)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40
)
@given(st.lists(st.integers(0, 86_400 * 10**9), min_size=1, max_size=60))
def test_no_nanosecond_is_lost(write_lobster, times):
    times = sorted(times)
    lines = [event(f"{ns // 10**9}.{ns % 10**9:09d}") for ns in times]
    assert (lobster.read(write_lobster(lines)).time_ns - MIDNIGHT_NS).tolist() == times


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        ("2012-01-03", "2012-01-03T05:00"),
        ("2012-06-21", "2012-06-21T04:00"),
        ("2012-03-11", "2012-03-11T04:00"),  # clocks go forward: half past nine is 13:30
        ("2012-11-04", "2012-11-04T05:00"),  # and back: half past nine is 14:30
    ],
)
def test_midnight_follows_the_clocks_of_the_trading_hours(day, utc):
    assert lobster.midnight_ns(date.fromisoformat(day)) == parse_time(utc) * 10**6


@pytest.mark.parametrize(
    ("prices", "tick", "ticks"),
    [
        ((1000200, 1000100), 0.01, (10002, 10001)),
        ((1000000, 900000), 0.01, (10000, 9000)),  # never coarser than a cent
        ((1000250, 1000100), 0.005, (20005, 20002)),
        ((1000201, 1000100), 0.0001, (1000201, 1000100)),
    ],
)
def test_the_tick_is_what_divides_all_prices_and_a_cent(write_lobster, prices, tick, ticks):
    ask, bid = prices
    book = lobster.read(write_lobster(events(1), [f"{ask},1,{bid},1"], depth=1))
    assert book.tick == tick
    assert book.levels[0, [0, 2]].tolist() == list(ticks)


def test_a_halt_is_left_out_and_ends_the_session(write_lobster):
    messages = [
        event(1),
        event(2, kind=7, price=-1, direction=-1),
        event(3),
        event(4, kind=7, price=0, direction=-1),  # quoting resumes, trading does not
        event(5),
        event(6, kind=7, price=1, direction=-1),
        event(7),
        event(8),
        event(9, kind=7, price=-1, direction=-1),
        event(10),
    ]
    heard = []
    book = lobster.read(write_lobster(messages), listen=heard.append)
    assert ((book.time_ns - MIDNIGHT_NS) // 10**9).tolist() == [1, 7, 8]
    assert book.session.tolist() == [0, 1, 1]
    warned = [event.message for event in heard if isinstance(event, Warned)]
    assert warned == ["TEST 2012-06-21: 3 rows while trading was halted are left out"]


def test_a_crossed_or_locked_opening_is_left_out_with_a_warning(write_lobster):
    states = [CROSSED, LOCKED, STATE, STATE, CROSSED, STATE]
    heard = []
    book = lobster.read(write_lobster(events(6), states), listen=heard.append)
    assert len(book) == 4
    assert book.session.tolist() == [0] * 4
    assert checks.inspect(book).counts["crossed"] == 1  # later ones are for the checks to count
    warned = [event.message for event in heard if isinstance(event, Warned)]
    assert warned == [
        "TEST 2012-06-21: 2 opening rows with a crossed or locked book are left out",
    ]


def test_an_opening_after_a_halt_counts_as_one(write_lobster):
    messages = [event(1), event(2, kind=7, price=-1), event(3, kind=7, price=1), event(4), event(5)]
    book = lobster.read(write_lobster(messages, [STATE, STATE, STATE, CROSSED, STATE]))
    assert ((book.time_ns - MIDNIGHT_NS) // 10**9).tolist() == [1, 5]


def test_a_row_with_an_empty_side_is_left_out_and_begins_another_session(write_lobster):
    heard = []
    book = lobster.read(
        write_lobster(events(5), [NO_BID, STATE, STATE, NO_BID, STATE]), listen=heard.append
    )
    assert len(book) == 3
    assert book.session.tolist() == [0, 0, 1]
    assert "2 rows with an empty side" in next(e.message for e in heard if isinstance(e, Warned))


def test_a_seventh_message_column_is_tolerated(write_lobster):
    plain = lobster.read(write_lobster(events(3)))
    wide = lobster.read(write_lobster([f"{line},null" for line in events(3)]))
    assert wide.sha256() == plain.sha256()


def test_days_of_a_folder_follow_each_other(write_lobster, tmp_path):
    write_lobster(events(2), stem="TEST_2012-06-22_34200000_57600000")
    write_lobster(
        [event(34200), event(34201, kind=7, price=-1), event(34202, kind=7, price=1), event(34203)],
        stem="TEST_2012-06-21_34200000_57600000",
    )
    book = lobster.read(tmp_path / "lob")
    assert book.session.tolist() == [0, 1, 2, 2]
    assert (np.diff(book.time_ns) > 0).all()
    assert book.time_ns[2] - book.time_ns[0] == 86_400 * 10**9


CODES = {"t": STATE, "x": CROSSED, "l": LOCKED, "e": NO_BID, "H": STATE, "Q": STATE, "R": STATE}
NEWS = {"H": -1, "Q": 0, "R": 1}


def by_hand(story):
    """The rows kept and their sessions, told one row after the other."""
    kept, session, halted, opened, unbroken = [], -1, False, False, False
    for row, code in enumerate(story):
        if code in NEWS:
            halted = code != "R"
        opened = (opened and not halted) or (code == "t" and not halted)
        keep = code in "txl" and opened and not halted
        if keep:
            session += not unbroken
            kept.append((row, session))
        unbroken = keep
    return kept


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)
@given(st.text(alphabet="tttxleHQR", min_size=1, max_size=40), st.integers(1, 64))
def test_what_counts_does_not_depend_on_where_blocks_end(write_lobster, monkeypatch, story, size):
    messages = [
        event(row, kind=7, price=NEWS[code]) if code in NEWS else event(row)
        for row, code in enumerate(story)
    ]
    path = write_lobster(messages, [CODES[code] for code in story])
    expected = by_hand(story)
    monkeypatch.setattr(lobster_text, "_LEVEL_BYTES", 32 + size)
    monkeypatch.setattr(lobster_text, "_MESSAGE_BYTES", 96 - size)
    if not expected:
        with pytest.raises(DataError, match="no row is left"):
            lobster.read(path)
        return
    book = lobster.read(path)
    seconds = (book.time_ns - MIDNIGHT_NS) // 10**9
    assert list(zip(seconds.tolist(), book.session.tolist(), strict=True)) == expected


def table(bundle, kind, **words):
    name = next(name for name in bundle.namelist() if f"_{kind}_" in name)
    with bundle.open(name) as stream:
        return pd.read_csv(stream, header=None, **words)


def test_the_real_book_is_what_its_text_says(goog):
    heard = []
    book = lobster.read(goog, listen=heard.append)
    assert (book.symbol, book.depth, len(book), book.tick) == ("GOOG", 10, 100_048, 0.01)
    assert [event for event in heard if isinstance(event, Warned)] == []
    with zipfile.ZipFile(goog) as bundle:
        states = table(bundle, "orderbook").to_numpy()
        messages = table(bundle, "message", dtype={0: str})
    np.testing.assert_array_equal(book.levels[:, ::2], states[:, ::2] // 100)
    assert (states[:, ::2] % 100 == 0).all()
    np.testing.assert_array_equal(book.levels[:, 1::2], states[:, 1::2])
    exact = [int(Decimal(text) * 10**9) for text in messages[0][::97]]
    assert (book.time_ns[::97] - MIDNIGHT_NS).tolist() == exact
    executed = messages[1].isin([4, 5])
    np.testing.assert_array_equal(book.traded, -messages[5] * messages[3] * executed)
    assert checks.inspect(book).fatal == ()


def test_zip_folder_and_either_file_are_the_same_book(goog, tmp_path):
    five = goog.with_name(goog.name.replace("_10.zip", "_5.zip"))
    with zipfile.ZipFile(five) as bundle:
        bundle.extractall(tmp_path / "lob")
    book = lobster.read(five)
    assert (book.depth, len(book)) == (5, 76_256)
    pair = sorted((tmp_path / "lob").glob("*.csv"))
    for path in (tmp_path / "lob", *pair):
        assert lobster.read(path).sha256() == book.sha256()
    heard = []
    assert lobster.read(five, "ALPHABET", heard.append).symbol == "ALPHABET"
    assert Warned(f"{five} is of GOOG: it is taken for ALPHABET") in heard


def changed(lines, row, text):
    return [*lines[:row], text, *lines[row + 1 :]]


TEN, STATES = events(10), [STATE] * 10
BAD = {
    "short book": (TEN, STATES[:7], "orderbook_2.csv: it ends after 7 lines"),
    "short message": (TEN[:7], STATES, "message_2.csv: it ends after 7 lines"),
    "no message": ([], STATES, "message_2.csv: it is empty"),
    "no state": (TEN, [], "orderbook_2.csv: it is empty"),
    "wrong levels": (TEN, [f"{STATE},1000400,1,999900,1"] * 10, "line 1 has 12 columns.*8"),
    "five columns": ([line.rpartition(",")[0] for line in TEN], STATES, "line 1 has 5 columns"),
    "ragged": (
        TEN,
        changed(STATES, 4, "1000200,10,1000100"),
        "orderbook_2.csv, line 5: it has 3 columns",
    ),
    "text price": (
        TEN,
        changed(STATES, 6, STATE.replace("1000300", "dear")),
        "orderbook_2.csv, line 7: ask_price_2 is 'dear', which is no whole number",
    ),
    "NaN": (
        TEN,
        changed(STATES, 3, STATE.replace("1000100", "NaN")),
        "line 4: bid_price_1 is 'NaN', which is no whole number",
    ),
    "empty cell": (TEN, changed(STATES, 3, STATE.replace("1000100", "")), "line 4: bid_price_1"),
    "fraction": (TEN, changed(STATES, 3, STATE.replace("1000100", "10.5")), "line 4: bid_price_1"),
    "huge price": (
        TEN,
        changed(STATES, 3, STATE.replace("1000200", "7000000000")),
        "line 4: ask_price_1 is '7000000000', which is too large",
    ),
    "backwards": (changed(TEN, 5, event(34203)), STATES, "message_2.csv, line 6: the time runs"),
    "time text": (changed(TEN, 5, event("noon")), STATES, "line 6: time is 'noon', .* no number"),
    "direction text": (
        changed(TEN, 5, event(5, direction="b")),
        STATES,
        "line 6: direction is 'b'",
    ),
    "no size": (changed(TEN, 5, event(5, size="")), STATES, "line 6: size is ''"),
    "time NaN": (changed(TEN, 5, event("nan")), STATES, "line 6: the time nan is none of a day"),
    "time late": (changed(TEN, 9, event("1e6")), STATES, "line 10: the time 1000000.0 is none"),
    "type": (changed(TEN, 5, event(34205, kind=9)), STATES, "line 6: the event's type 9 is none"),
    "direction": (changed(TEN, 5, event(34205, direction=0)), STATES, "line 6: the direction 0"),
    "never opens": (TEN, [CROSSED] * 10, "no row is left"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_damaged_pair_is_one_clear_answer(write_lobster, case):
    messages, states, answer = BAD[case]
    with pytest.raises(DataError, match=answer) as caught:
        lobster.read(write_lobster(messages, states))
    assert caught.value.exit_code == 3
    assert caught.value.remedy
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("block", [80, 200])
def test_damage_is_told_by_its_line_in_later_blocks_too(write_lobster, monkeypatch, block):
    monkeypatch.setattr(lobster_text, "_LEVEL_BYTES", block)
    monkeypatch.setattr(lobster_text, "_MESSAGE_BYTES", block)
    messages = changed(events(40), 33, event(34201))
    with pytest.raises(DataError, match="line 34: the time runs backwards to 34201"):
        lobster.read(write_lobster(messages))
    states = changed([STATE] * 40, 37, STATE.replace("1000100", "x"))
    with pytest.raises(DataError, match="line 38: bid_price_1"):
        lobster.read(write_lobster(events(40), states))


@pytest.mark.parametrize("content", [b"\0" * 5000, b"\xff\xfe1\0,\0", b'1,"2\n' * 50])
def test_binary_or_foreign_text_is_an_answer(write_lobster, content):
    path = write_lobster(events(3))
    for name in (path.name, path.name.replace("message", "orderbook")):
        good = path.with_name(name).read_bytes()
        path.with_name(name).write_bytes(content)
        with pytest.raises(DataError, match=name.split("_")[4]):
            lobster.read(path)
        path.with_name(name).write_bytes(good)
