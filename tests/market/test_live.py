"""Bars as they close on an exchange that fails, dawdles and has another clock than this machine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb.clock import parse_time
from atb.errors import DataError, SourceUnavailableError, UsageError
from atb.events import Noted, Warned
from atb.market.candles import Candles
from atb.market.download import Patience
from atb.market.klines import SAFETY_MS, Endpoints
from atb.market.live import BinanceFeed
from atb.market.timer import Timer

MINUTE, HOUR = 60_000, 3_600_000
START = parse_time("2025-03-01")
NEVER = lambda: False  # noqa: E731


class World:
    """A machine and an exchange whose time passes only while somebody sleeps or asks."""

    def __init__(self, exchange):
        self.exchange = exchange
        self.machine = 0.0  # seconds of the machine's steady timer
        self.rate = 1.0  # of the exchange's clock, by that timer
        self.slept = 0.0  # seconds that the machine's timer did not see
        self.heard = []
        self.begin = START
        exchange.now = self.now

    def now(self):
        self.machine += 0.02
        return self.true()

    def true(self):
        """What the exchange's clock shows."""
        return self.begin + int((self.machine * self.rate + self.slept) * 1000)

    def sleep(self, seconds):
        assert 0 < seconds <= 0.1
        self.machine += seconds

    def feed(self, symbol="BTCUSDT", timeframe="1m", **patience):
        where = self.exchange.endpoints
        where = replace(where, patience=Patience(silence=0.15, **patience))
        timer = Timer(lambda: self.machine, self.sleep)
        return BinanceFeed.of(symbol, timeframe, where, 5.0, self.heard.append, timer)


@pytest.fixture
def world(exchange, real):
    """1,500 minutes before START and 60 after it, at real prices."""
    part = real.rows(0, 1560)
    time = START + MINUTE * np.arange(-1500, 60)
    exchange.candles = replace(part, timeframe="1m", time=time)
    exchange.retry_after = "7"
    return World(exchange)


def followed(world, feed, bars, after=None):
    """So many bars as they come, each with its lag in ms behind its close."""
    after = START - MINUTE if after is None else after
    parts, lags = [], []
    while sum(map(len, parts)) < bars:
        parts.append(feed.next(after, NEVER))
        lags += (world.true() - parts[-1].close_time).tolist()
        after = int(parts[-1].time[-1])
    return parts, np.array(lags)


def is_next(world, parts):
    """Whether these are the bars from START on: finished, none missed, none twice."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("time", "open", "high", "low", "close", "volume")
    }
    found = Candles.from_columns("BTCUSDT", "1m", columns)
    expected = world.exchange.candles.between(START, None).rows(0, len(found))
    return found.sha256() == expected.sha256()


def test_every_bar_comes_alone_soon_after_its_close(world):
    feed = world.feed()
    parts, lags = followed(world, feed, 10)
    assert is_next(world, parts)
    assert [len(part) for part in parts] == [1] * 10
    assert np.all((lags >= SAFETY_MS) & (lags < SAFETY_MS + 200))
    assert abs(feed.now() - world.true()) <= 100
    assert (feed.source, feed.synthetic, feed.trouble) == ("binance", False, None)
    assert parts[0].source == "binance"
    assert world.heard == []


def test_nothing_is_asked_of_the_market_before_a_bar_can_be_closed(world):
    feed = world.feed()
    followed(world, feed, 3)
    assert world.exchange.count("/klines?") <= 4
    assert world.exchange.count("/time") <= 12


@pytest.mark.parametrize("skew_hours", [-9, 9, 24 * 400])
def test_another_date_than_this_machines(world, skew_hours):
    world.exchange.candles = replace(
        world.exchange.candles, time=world.exchange.candles.time + skew_hours * HOUR
    )
    world.begin += skew_hours * HOUR
    feed = world.feed()
    parts, lags = followed(world, feed, 3, world.begin - MINUTE)
    assert np.concatenate([part.time for part in parts]).tolist() == [
        world.begin + MINUTE * row for row in range(3)
    ]
    assert np.all((lags >= SAFETY_MS) & (lags < SAFETY_MS + 200))


def test_the_present_is_the_exchanges_from_the_first_on(world):
    feed = world.feed()
    assert abs(feed.now() - world.true()) <= 100
    world.machine += 5
    assert abs(feed.now() - world.true()) <= 100
    assert world.exchange.count("/") == world.exchange.count("/time") == 1


def test_a_date_that_jumps_changes_nothing(world, monkeypatch):
    dates = iter(range(0, 10**9, 10**5))
    monkeypatch.setattr("time.time", lambda: next(dates))
    monkeypatch.setattr("atb.clock.now_ms", lambda: 1000 * next(dates))
    parts, lags = followed(world, world.feed(), 4)
    assert is_next(world, parts)
    assert np.all((lags >= SAFETY_MS) & (lags < SAFETY_MS + 200))


@pytest.mark.parametrize("rate", [0.98, 1.02])
def test_a_timer_that_drifts_gives_no_bar_early(world, rate):
    world.rate = rate
    parts, lags = followed(world, world.feed(), 5)
    assert is_next(world, parts)
    assert np.all((lags >= SAFETY_MS) & (lags < SAFETY_MS + 1500))


def test_a_machine_that_slept_gets_what_it_missed(world):
    feed = world.feed()
    feed.next(START - MINUTE, NEVER)
    world.slept += 600.5
    before = world.machine
    parts, _ = followed(world, feed, 10, START)
    assert world.machine - before < 61
    assert len(parts[0]) == 10
    assert parts[0].time.tolist() == [START + MINUTE * row for row in range(1, 11)]


def test_a_machine_that_slept_over_a_long_bar_notices_within_a_minute(world):
    opens = START + HOUR * np.arange(-1500, 60)
    world.exchange.candles = replace(world.exchange.candles, timeframe="1h", time=opens)
    feed, seen = world.feed(timeframe="1h"), []

    def sleeps_soon():
        if world.machine > 300 and not seen:
            seen.append(world.machine)
            world.slept += 2 * HOUR / 1000
        return False

    found = feed.next(START - HOUR, sleeps_soon)
    assert found.time.tolist() == [START, START + HOUR]
    assert world.machine - seen[0] < 61


def test_pages_are_turned(world):
    found = world.feed().next(START - 1501 * MINUTE, NEVER)
    assert found.sha256() == world.exchange.candles.rows(0, 1499).sha256()
    world.slept += SAFETY_MS / 1000
    found = world.feed().next(START - 1501 * MINUTE, NEVER)
    assert found.sha256() == world.exchange.candles.rows(0, 1500).sha256()


FAULTS = [
    429,
    418,
    500,
    503,
    403,
    404,
    302,
    "cut",
    "drop",
    b"",
    b"<html>",
    b"[[1]]",
    b"{}",
    b"null",
]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("part", ["/time", "/klines?"])
def test_a_fault_is_outlasted(world, fault, part):
    feed = world.feed()
    followed(world, feed, 1)
    world.exchange.faults = {part: [fault] * 3}
    parts, lags = followed(world, feed, 2, START)
    assert [part.time.tolist() for part in parts] == [[START + MINUTE], [START + 2 * MINUTE]]
    assert np.all((lags >= SAFETY_MS) & (lags < 30_000))
    assert feed.trouble is None
    assert [type(event) for event in world.heard] == [Warned, Noted]
    assert "it is asked again until it answers" in world.heard[0].message
    assert world.heard[1].message.startswith("Binance answers again at 2025-03-01T00:")


@pytest.mark.parametrize("told", ["5", "true", "1e12", '"1740787200000"', "99999999999999999"])
def test_a_time_that_can_be_none_is_asked_for_again(world, told):
    feed = world.feed()
    followed(world, feed, 1)
    world.exchange.faults = {"/time": [b'{"serverTime": %s}' % told.encode()] * 2}
    parts, _ = followed(world, feed, 2, START)
    assert [part.time.tolist() for part in parts] == [[START + MINUTE], [START + 2 * MINUTE]]
    assert "tells no time in ms" in world.heard[0].message


def test_a_stalled_answer_is_given_up(world):
    feed = world.feed()
    world.exchange.faults = {"/klines?": ["stall"], "/time": ["stall"]}
    parts, _ = followed(world, feed, 2)
    assert is_next(world, parts)
    assert "cannot be reached (" in world.heard[0].message


def test_a_storm_of_faults_loses_and_doubles_nothing(world):
    order = np.random.default_rng(3)
    kinds = [None, *FAULTS, "double"]
    world.exchange.faults = {
        path: [kinds[i] for i in order.integers(0, len(kinds), 150)] for path in ("/time", "/klin")
    }
    world.exchange.careless = True
    parts, lags = followed(world, world.feed(), 40)
    assert is_next(world, parts)
    assert np.all(lags >= SAFETY_MS)
    assert any(len(part) > 1 for part in parts)


@pytest.mark.parametrize("status", [418, 429])
def test_a_server_that_wants_to_be_left_alone_is(world, status):
    world.exchange.retry_after = "95"
    world.exchange.faults = {"/time": [status]}
    feed = world.feed()
    feed.next(START - 10 * MINUTE, NEVER)
    assert world.exchange.count("/") == 3
    assert 95 < world.machine < 96


@pytest.fixture
def asked(world, monkeypatch):
    """When the exchange was asked, in seconds of the machine's timer."""
    moments, now = [], world.now
    monkeypatch.setattr(world.exchange, "now", lambda: moments.append(world.machine) or now())
    return moments


def test_an_outage_is_asked_about_ever_less_often(world, asked):
    world.exchange.faults = {"/time": [500] * 9}
    world.feed(longest_wait=30.0).next(START - 10 * MINUTE, NEVER)
    waits = np.diff(asked[:10])
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 16, 30, 30, 30], abs=0.1)


def test_the_next_outage_is_a_new_one(world, asked):
    world.exchange.faults = {"/time": [500, 500, None, 500, 500]}
    world.feed().next(START, NEVER)
    assert np.diff(asked[:6]) == pytest.approx([0.5, 1, 60, 0.5, 1], abs=0.1)


def test_months_of_failures_are_no_overflow():
    assert Patience().wait(10**6) == Patience().longest_wait


def test_trouble_says_why(world):
    world.exchange.faults = {"/time": [503] * 2}
    feed, seen = world.feed(), []

    def stop():
        seen.append(feed.trouble)
        return False

    feed.next(START - 10 * MINUTE, stop)
    assert seen[0] is None
    assert seen[-1] == f"127.0.0.1:{world.exchange.port}: answers 503"


def test_no_exchange_at_all(world):
    timer = Timer(lambda: world.machine, world.sleep)
    nowhere = Endpoints("http://127.0.0.1:9", "http://127.0.0.1:9", Patience(first_wait=0.001))
    feed = BinanceFeed.of("BTCUSDT", "1m", nowhere, 5.0, world.heard.append, timer)
    assert len(feed.next(START, lambda: world.machine > 60)) == 0
    assert feed.trouble == "127.0.0.1:9: cannot be reached (ConnectionError)"
    assert len(world.heard) == 1
    with pytest.raises(SourceUnavailableError, match=r"127\.0\.0\.1:9: cannot be reached"):
        feed.history(5)
    with pytest.raises(SourceUnavailableError):
        feed.now()


def test_the_unfinished_bar_is_never_given(world):
    world.exchange.careless = True
    feed = world.feed()
    past = feed.history(5)
    assert past.close_time[-1] <= world.true() - SAFETY_MS
    assert len(past) == 5
    parts, _ = followed(world, feed, 4)
    assert is_next(world, parts)


def test_bars_that_are_sent_twice_are_asked_for_again(world):
    feed = world.feed()
    world.exchange.faults = {"/klines?": ["double", "double"]}
    parts, _ = followed(world, feed, 3)
    assert is_next(world, parts)
    assert "the klines are not in order" in world.heard[0].message


def test_a_bar_that_is_not_there_yet_is_waited_for(world):
    world.exchange.left_out = {START: START + MINUTE + 21_000}
    parts, lags = followed(world, world.feed(), 2)
    assert is_next(world, parts)
    assert 21_000 <= lags[0] < 21_000 + 6_000
    assert lags[1] < SAFETY_MS + 200


def test_what_follows_a_hole_waits_for_it_to_be_filled(world):
    world.exchange.left_out = {START + MINUTE: START + 3 * MINUTE + 20_000}
    parts, lags = followed(world, world.feed(), 4)
    assert is_next(world, parts)
    assert [len(part) for part in parts] == [1, 2, 1]
    assert lags[2] < 20_000 + 6_000


def test_a_hole_that_stays_is_believed_within_half_a_bar(world):
    world.exchange.left_out = dict.fromkeys((START + MINUTE, START + 2 * MINUTE), 10**15)
    feed = world.feed()
    feed.next(START - MINUTE, NEVER)
    found = feed.next(START, NEVER)
    lag = world.true() - int(found.close_time[-1])
    assert found.time.tolist() == [START + 3 * MINUTE]
    assert MINUTE // 2 <= lag < MINUTE // 2 + 6_000
    old = feed.next(START - 2 * MINUTE, NEVER)
    assert old.time.tolist() == [START - MINUTE, START, START + 3 * MINUTE]


def test_history_is_the_newest_that_is_closed(world):
    candles, feed = world.exchange.candles, world.feed()
    assert feed.history(5).sha256() == candles.rows(1494, 1499).sha256()
    world.slept += SAFETY_MS / 1000
    assert feed.history(1200).sha256() == candles.rows(300, 1500).sha256()
    assert feed.history(9999).sha256() == candles.rows(0, 1500).sha256()
    until = int(candles.close_time[700])
    assert feed.history(3, until).sha256() == candles.rows(698, 701).sha256()
    assert feed.history(3, until - 1).sha256() == candles.rows(697, 700).sha256()
    assert feed.history(2, 2 * until).sha256() == candles.rows(1498, 1500).sha256()
    assert len(feed.history(0)) == len(feed.history(3, START - 9999 * MINUTE)) == 0


def test_history_reaches_over_holes_and_ends_before_a_fresh_one(world):
    candles, feed = world.exchange.candles, world.feed()
    world.slept += SAFETY_MS / 1000
    for row in (1300, 1301, 1498):
        world.exchange.left_out[int(candles.time[row])] = 10**15
    found = feed.history(250)
    rows = [row for row in range(1247, 1498) if row not in (1300, 1301)]
    assert found.time.tolist() == candles.time[rows].tolist()
    world.slept += MINUTE / 2000
    assert feed.history(1).time.tolist() == [candles.time[1499]]


def test_history_outlasts_a_fault(world):
    feed = world.feed(first_wait=0.01)
    world.exchange.faults = {"/time": [500, "drop"], "/klines?": [503, "cut"]}
    assert len(feed.history(5)) == 5


def test_values_that_no_market_can_have_are_not_given(world):
    candles = world.exchange.candles
    bad = candles.high.copy()
    bad[1500] = candles.low[1500] / 2
    world.exchange.candles = replace(candles, high=bad)
    feed = world.feed()
    assert len(feed.next(START - MINUTE, lambda: world.machine > 200)) == 0
    assert "high is below low" in feed.trouble
    with pytest.raises(DataError, match="high is below low"):
        feed.history(5)
    world.exchange.candles = candles
    assert feed.next(START - MINUTE, NEVER).time[0] == START
    assert feed.trouble is None


def test_an_unknown_symbol_ends_it(world):
    feed = world.feed(symbol="BTCUSTD")
    for ask in (lambda: feed.next(START - 9 * MINUTE, NEVER), lambda: feed.history(2)):
        with pytest.raises(UsageError, match="Binance lists no spot market 'BTCUSTD'"):
            ask()


@pytest.mark.parametrize(("symbol", "timeframe"), [("../x", "1m"), ("BTCUSDT", "7m")])
def test_what_can_be_no_feed(symbol, timeframe):
    with pytest.raises(UsageError):
        BinanceFeed.of(symbol, timeframe)


def test_told_to_stop_it_stops_within_a_moment(world):
    feed = world.feed()
    assert len(feed.next(START - 9 * MINUTE, lambda: True)) == 0
    assert world.exchange.asked == []
    assert len(feed.next(START - MINUTE, lambda: world.machine > 11)) == 0
    assert world.machine < 11.3
