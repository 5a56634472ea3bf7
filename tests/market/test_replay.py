"""A replayed market: every bar once, after its close by a clock of its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atb.errors import DataError, UsageError
from atb.market.feed import Feed
from atb.market.replay import ReplayFeed
from atb.market.timer import Timer

HOUR = 3_600_000
ALWAYS, NEVER = (lambda: True), (lambda: False)


class Seconds:
    """A timer whose sleeps cost no time."""

    def __init__(self):
        self.passed = 0.0
        self.timer = Timer(lambda: self.passed, self.sleep)

    def sleep(self, seconds):
        assert seconds > 0
        self.passed += seconds


def replayed(feed, after):
    """Each answer's open times with the virtual time of the answer, to the end."""
    answers = []
    while len(found := feed.next(after, NEVER)):
        answers.append((found.time.tolist(), feed.now()))
        after = int(found.time[-1])
    return answers


def test_every_bar_comes_alone_at_its_close(bars):
    candles = bars(5)
    feed: Feed = ReplayFeed(candles)
    assert (feed.symbol, feed.timeframe, feed.source) == ("BTCUSDT", "1h", "memory")
    assert (feed.synthetic, feed.trouble, feed.now()) == (False, None, candles.time[0])
    opens = candles.time.tolist()
    assert replayed(feed, 0) == [([time], time + HOUR) for time in opens]
    assert feed.now() == opens[-1] + HOUR


def test_what_came_before_is_history(bars):
    candles = bars(6)
    feed = ReplayFeed(candles, first_row=4)
    assert feed.history(2).sha256() == candles.rows(2, 4).sha256()
    assert feed.history(99).sha256() == candles.rows(0, 4).sha256()
    assert feed.history(2, int(candles.close_time[1]) - 1).time.tolist() == [candles.time[0]]
    assert len(feed.history(0)) == len(feed.history(3, int(candles.time[0]))) == 0
    later = int(candles.close_time[-1])
    assert feed.history(1, later).time.tolist() == [candles.time[3]]
    feed.next(int(candles.time[3]), NEVER)
    assert feed.history(1, later).time.tolist() == [candles.time[4]]


def test_one_who_was_away_gets_all_that_closed_meanwhile(bars):
    candles = bars(6)
    feed = ReplayFeed(candles, first_row=4)
    assert feed.next(int(candles.time[1]), NEVER).sha256() == candles.rows(2, 4).sha256()
    assert feed.now() == candles.time[4]
    assert feed.next(int(candles.time[3]), NEVER).sha256() == candles.rows(4, 5).sha256()


def test_the_pace_is_a_multiple_of_the_markets(bars):
    seconds = Seconds()
    candles = bars(10, time=bars(10).time + HOUR * (np.arange(10) > 4))
    feed = ReplayFeed(candles, 0, 7200.0, seconds.timer)
    answers = replayed(feed, 0)
    assert [now for _, now in answers] == candles.close_time.tolist()
    assert seconds.passed == pytest.approx(11 / 2)  # ten bars and one that is missing


def test_the_clock_stands_still_while_nobody_waits(bars):
    """Neither who thinks about a bar nor who opens a model before the first is late for one."""
    seconds, candles = Seconds(), bars(4)
    feed = ReplayFeed(candles, 1, 3600.0, seconds.timer)
    seconds.passed = 7.0
    assert feed.now() == candles.time[1] and len(feed.history(9)) == 1
    after = 0
    for row in range(4):
        found = feed.next(after, NEVER)
        seconds.passed += 1000
        assert found.time.tolist() == [candles.time[row]]
        assert feed.now() == max(candles.close_time[row], candles.time[1])
        after = int(found.time[0])
    assert seconds.passed == pytest.approx(7 + 4 * 1000 + 3)
    assert len(feed.next(after, NEVER)) == 0


def test_the_clock_moves_while_a_bar_is_waited_for(bars):
    seconds, candles, seen = Seconds(), bars(2), []
    feed = ReplayFeed(candles, 0, 3600.0, seconds.timer)
    feed.next(0, lambda: seen.append((seconds.passed, feed.now())) or False)
    waited = [passed for passed, _ in seen]
    assert waited[-1] == pytest.approx(1) and len(set(waited)) > 5
    for passed, now in seen[1:]:
        assert now == pytest.approx(candles.time[0] + passed * HOUR, abs=1)


def test_a_machine_that_oversleeps_gets_no_two_bars_together(bars):
    seconds, candles = Seconds(), bars(4)
    oversleeping = Timer(lambda: seconds.passed, lambda some: seconds.sleep(some + 5))
    feed = ReplayFeed(candles, 0, 3600.0, oversleeping)
    opens = candles.time.tolist()
    assert replayed(feed, 0) == [([time], time + HOUR) for time in opens]


def test_bars_may_be_skipped(bars):
    seconds, candles = Seconds(), bars(6)
    feed = ReplayFeed(candles, 0, 3600.0, seconds.timer)
    assert feed.next(int(candles.time[3]), NEVER).time.tolist() == [candles.time[4]]
    assert seconds.passed == pytest.approx(5)


@pytest.mark.parametrize("speed", [None, 3600.0])
def test_stopped_it_gives_nothing_and_goes_on_later(bars, speed):
    seconds, candles = Seconds(), bars(3)
    feed = ReplayFeed(candles, 0, speed, seconds.timer)
    assert len(feed.next(0, ALWAYS)) == 0
    assert len(feed.next(0, lambda: speed is None or seconds.passed > 0.5)) == 0
    assert seconds.passed <= 0.7
    assert feed.next(0, NEVER).time.tolist() == [candles.time[0]]


def test_a_wait_really_passes(bars):
    timer = Timer()
    start = timer.seconds()
    assert len(replayed(ReplayFeed(bars(3), 0, 3600.0 * 50), 0)) == 3
    assert 0.06 <= timer.seconds() - start < 5


@pytest.mark.parametrize(("rows", "first"), [(0, 0), (3, 3), (3, -1)])
def test_no_bar_to_begin_with(bars, rows, first):
    with pytest.raises(DataError, match=rf"there is no bar {first} .* it has {rows}.*further"):
        ReplayFeed(bars(rows), first)


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_no_speed(bars, speed):
    with pytest.raises(UsageError, match=r"--speed: .* is no speed; give a number above 0"):
        ReplayFeed(bars(3), 0, speed)


@settings(deadline=None)
@given(
    steps=st.lists(st.integers(1, 4), min_size=1, max_size=12),
    first=st.integers(0, 11),
    speed=st.one_of(st.none(), st.floats(1.0, 1e9)),
    pauses=st.lists(st.floats(0, 5), min_size=12, max_size=12),
)
def test_no_bar_is_missed_none_comes_twice_or_early(bars, steps, first, speed, pauses):
    candles = bars(len(steps), time=bars(1).time[0] + HOUR * np.cumsum(steps))
    seconds = Seconds()
    feed = ReplayFeed(candles, min(first, len(steps) - 1), speed, seconds.timer)
    before = feed.history(99)
    seen, now = before.time.tolist(), feed.now()
    for pause in pauses:
        after = seen[-1] if seen else 0
        found = feed.next(after, NEVER)
        assert len(found) <= 1
        assert all(found.close_time <= feed.now())
        assert feed.now() >= now
        seen, now = seen + found.time.tolist(), feed.now()
        seconds.passed += pause
    assert seen == candles.time.tolist()


def test_a_real_market_comes_whole(real):
    part = real.rows(0, 3000)
    answers = replayed(ReplayFeed(part, 1000), int(part.time[999]))
    assert [opens for opens, _ in answers] == [[row] for row in part.time[1000:].tolist()]
