"""One bar after another: what is told besides the position, and what outlasts a loop."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from atb.clock import iso, timeframe_ms
from atb.events import Noted, Warned, silent
from atb.market.candles import COLUMNS
from atb.market.replay import ReplayFeed
from atb.monitor.profile import Profile
from atb.registry import promotion
from atb.runtime.trader import Trader


def profile(centre: float) -> dict:
    """Of rows whose columns lie about a value; those of `make_candles` lie about 100, or 1."""
    draw, rows = np.random.default_rng(0), 2000
    features = draw.normal(centre, 1, (rows, len(COLUMNS))).astype(np.float32)
    said = draw.normal(0, 0.02, rows)
    return Profile.of(COLUMNS, features, said, said, said, 1).to_json()


def begun(workspace, candles, first, last=None, listen=silent):
    """A trader, and `follow(bars, behind)`: what is decided of the next ones."""
    feed = ReplayFeed(candles, first)
    trader = Trader(workspace, feed, last, listen)

    def follow(bars, behind=0):
        return [trader.take(feed.next(trader.newest, bool).bar(0), behind) for _ in range(bars)]

    return trader, follow


def test_drift_is_followed_while_there_is_a_model(registered, promote, workspace, make_candles):
    promote(registered(**{"profile.json": profile(0.0)}))
    trader, follow = begun(workspace, make_candles(150), 20)
    assert (trader.drift, trader.drifted) == (None, False)
    follow(120)
    assert trader.drifted and trader.drift.startswith("drifted: ")
    (workspace.model_root / "BTCUSDT" / promotion.POINTER).unlink()
    (decision,) = follow(1)
    assert (decision.action, trader.drift, trader.drifted) == ("no_model", None, False)


def test_only_an_answer_takes_time(registered, promote, workspace, make_candles):
    promote(registered())
    _, follow = begun(workspace, make_candles(9), 0)
    assert [one.latency_ms is None for one in follow(9)] == [True] * 5 + [False] * 4


@pytest.mark.parametrize(("timeframe", "late_s"), [("1m", 30), ("5m", 30), ("1h", 360)])
def test_a_bar_is_late_after_a_tenth_of_its_length_or_half_a_minute(
    registered, promote, workspace, make_candles, timeframe, late_s
):
    promote(registered(timeframe=timeframe))
    time = timeframe_ms(timeframe) * np.arange(1_000_000, 1_000_030)
    candles = replace(make_candles(30), timeframe=timeframe, time=time)
    feed = ReplayFeed(candles, 20)
    trader = Trader(workspace, feed, None, silent)
    for row, delay_ms, action in ((20, late_s * 1000, "signal"), (21, late_s * 1000 + 1, "late")):
        feed._at = int(candles.close_time[row]) + delay_ms
        assert trader.take(candles.bar(row), 0).action == action


@pytest.mark.parametrize("rows", [6, 150])
def test_a_window_is_whole_at_the_first_bar(registered, promote, workspace, make_candles, rows):
    promote(registered(rows=rows))
    _, follow = begun(workspace, make_candles(160), 149)
    assert follow(1)[0].action == "signal"


def test_what_a_simulator_made_is_not_forgotten(registered, promote, workspace, make_candles):
    promote(registered(1, synthetic=True))
    candles = make_candles(30)
    trader, follow = begun(workspace, candles, 20)
    follow(2)
    promote(registered(2))
    follow(2)
    assert trader.synthetic
    assert begun(workspace, candles, 24, trader.state())[0].synthetic


def test_a_model_that_knows_the_bars_it_is_replayed_on_is_told_of(
    registered, promote, workspace, make_candles
):
    promote(registered(1))
    candles, told = make_candles(30), []
    _, follow = begun(workspace, candles, 20, listen=told.append)
    for number, until in ((2, candles.time[20]), (3, candles.time[21] + 1000)):
        promote(registered(number, learned_until=iso(int(until))))
        follow(1)
    assert [type(event) for event in told] == [Noted, Noted, Warned]
    assert "learned from bars up to 2024-01-01T22:00:01Z; trust only" in told[2].message


def test_a_missed_bar_that_is_answered_with_no_number_is_only_missed(
    registered, promote, workspace, make_candles
):
    promote(registered())
    candles = make_candles(30)
    price = np.array(candles.close)
    price[:12], price[16:] = 1e-30, 1e20  # their ratio is none in float32
    candles = replace(candles, **dict.fromkeys(("open", "high", "low", "close"), price))
    _, follow = begun(workspace, candles, 10)
    decisions = [*follow(6), *follow(1, behind=1), *follow(1)]
    assert [one.action for one in decisions] == ["signal"] * 6 + ["missed", "signal"]


def test_rules_that_are_not_followed_are_told_of(registered, promote, workspace, make_candles):
    promote(registered(trading={"hook": "event_driven"}))
    told = []
    begun(workspace, make_candles(30), 20, listen=told.append)
    assert told == []
    promote(registered(2, trading={"hook": "own.rules:run"}))
    begun(workspace, make_candles(30), 20, listen=told.append)
    assert told == [Warned("it is traded bar by bar, not by the backtest 'own.rules:run'")]
