"""Where the bars of a live loop come from."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from atb.clock import HOUR_MS, parse_time
from atb.errors import DataError, IntegrityError, UsageError
from atb.events import Warned
from atb.market import files, store
from atb.market.live import BinanceFeed
from atb.market.replay import ReplayFeed
from atb.presets import resolve
from atb.runtime import sources
from atb.runtime.sources import Source

LEARNED_UNTIL = parse_time("2020-01-01")


@pytest.fixture
def running(registered, promote):
    """A promoted model of hourly bars, that learned until 2020."""
    version = registered()
    promote(version)
    return version


@pytest.fixture
def candles(make_candles):
    """Forty bars, the thirtieth of which opens as the model ends to learn."""
    made = make_candles(40)
    return replace(made, time=made.time + LEARNED_UNTIL - made.time[30])


@pytest.fixture
def path(candles, tmp_path):
    files.write(candles, tmp_path / "bars.parquet")
    return tmp_path / "bars.parquet"


def opened(workspace, source, told=None):
    return sources.opened(workspace, "BTCUSDT", source, (told if told is not None else []).append)


def test_a_replay_begins_after_what_the_model_learned_from(workspace, running, path):
    feed = opened(workspace, Source("replay", path))
    assert isinstance(feed, ReplayFeed)
    assert (feed.first_row, feed.speed, feed.timeframe) == (30, 3600.0, "1h")
    assert len(feed.history(100)) == 30  # what warms the window


def test_a_replay_from_the_start_is_as_fast_as_it_can_and_says_what_was_learned(
    workspace, running, path
):
    told = []
    feed = opened(workspace, Source("replay", path, from_start=True), told)
    assert (feed.first_row, feed.speed) == (0, None)
    (warning,) = told
    assert isinstance(warning, Warned) and "2020-01-01T00:00:00Z" in warning.message
    assert opened(workspace, Source("replay", path, speed=5.0, from_start=True)).speed == 5.0
    assert opened(workspace, Source("replay", path, speed=5.0)).speed == 5.0


def test_a_replay_without_newer_bars_is_refused(workspace, running, candles, tmp_path):
    files.write(candles.rows(0, 30), tmp_path / "old.parquet")
    with pytest.raises(DataError, match="learned from all of its bars") as refused:
        opened(workspace, Source("replay", tmp_path / "old.parquet"))
    assert "--from-start" in refused.value.remedy


def test_without_a_file_the_stored_candles_are_replayed(workspace, running, candles, path):
    with pytest.raises(UsageError, match="no 1h candles of BTCUSDT are stored"):
        opened(workspace, Source("replay"))
    stored = candles.rows(10, 40)
    store.merge(workspace, stored)
    assert opened(workspace, Source("replay")).candles.sha256() == stored.sha256()
    assert opened(workspace, Source("replay", path)).candles.sha256() == candles.sha256()


def test_or_else_the_file_the_model_learned_from(
    workspace, registered, promote, running, path, candles
):
    config = json.loads((running.path / "config.json").read_text())
    config["data"]["path"] = str(path)
    promote(registered(2, **{"config.json": config}))
    assert opened(workspace, Source("replay")).candles.sha256() == candles.sha256()


def test_the_exchange_is_asked_for_bars_as_long_as_the_models(workspace, registered, promote):
    promote(registered(timeframe="4h"))
    feed = opened(workspace, Source("binance", sleep_seconds=3.0))
    assert isinstance(feed, BinanceFeed)
    assert (feed.symbol, feed.timeframe, feed.sleep_seconds) == ("BTCUSDT", "4h", 3.0)


def test_without_a_promoted_model_there_is_nothing_to_watch(workspace, registered, path):
    registered()
    with pytest.raises(UsageError, match="no model of BTCUSDT is promoted"):
        opened(workspace, Source("replay", path))


def test_a_model_of_bonds_has_no_bars(workspace, registered, promote, path):
    config = resolve("fast", "BTCUSDT", bonds=path).config.model_dump(mode="json")
    promote(registered(**{"config.json": config}))
    with pytest.raises(UsageError, match="is of market bonds, not of candles"):
        opened(workspace, Source("replay", path))


def test_a_damaged_model_is_not_read(workspace, running, path):
    config = running.path / "config.json"
    config.write_text(config.read_text().replace("1h", "2h"))
    with pytest.raises(IntegrityError, match=r"config\.json"):
        opened(workspace, Source("replay", path))


def test_bars_of_another_length_are_refused(workspace, running, candles, tmp_path):
    every_second = replace(candles, time=candles.time[0] + 2 * (candles.time - candles.time[0]))
    assert (every_second.time[1] - every_second.time[0]) == 2 * HOUR_MS
    files.write(every_second, tmp_path / "2h.parquet")
    with pytest.raises(DataError, match="wrong timeframe"):
        opened(workspace, Source("replay", tmp_path / "2h.parquet"))
