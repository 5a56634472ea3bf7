"""A promoted model is refreshed once for the same rows, judged on new ones, promoted by gates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atb import atomic, pipeline, presets, review
from atb.clock import parse_time
from atb.config.data import CandleData
from atb.config.tabular import Enhanced
from atb.config.training import TrainingConfig, from_json
from atb.errors import (
    ConfigError,
    DataError,
    SourceUnavailableError,
    StoppedError,
    StorageError,
    UsageError,
)
from atb.market import files
from atb.market.candles import COLUMNS, joined
from atb.market.sample import simulate
from atb.plans import done, jobs, newest
from atb.plans.refresh import Refreshed, refresh
from atb.registry import gate_file, promotion
from atb.registry import store as models
from atb.workspace import Workspace

HOUR = 3_600_000
OLD, NEW = 1500, 1900  # bars of the first training, and of the file later on
LINE = """
description: a straight look at prices
features: price
target: {kind: return, horizon: 1}
window: 8
dataset: {embargo: 2}
model: {architecture: mlp, dense: [4]}
training: {epochs: 1, batch: 64}
"""


@pytest.fixture(scope="module")
def candles():
    start = parse_time("2024-01-01")
    made = simulate("BTCUSDT", "1h", start, start + NEW * HOUR, seed=5)
    return replace(made, synthetic=False, source="exchange")


@pytest.fixture(scope="module")
def gates(loose_gates):
    return str(loose_gates)


@pytest.fixture(scope="module")
def market(tmp_path_factory, tensorflow_ready, candles, gates):
    """Where one model is promoted, and the file it was made of, which has grown since."""
    folder = tmp_path_factory.mktemp("market")
    (folder / "line.yaml").write_text(LINE)
    file = folder / "btc.parquet"
    files.write(candles.rows(0, OLD), file)
    config = presets.resolve(str(folder / "line.yaml"), "BTCUSDT", candles=file).config
    made = pipeline.train_model(config, artifacts=folder / "artifacts")
    workspace = Workspace(folder / "artifacts")
    version = models.find(workspace, f"BTCUSDT/line/{made.version}")
    review.promote(workspace, version, gates=gates)
    return workspace, file, version


def _names(workspace):
    return sorted(version.reference for version in models.versions(workspace))


def test_a_life(market, candles, gates):
    workspace, file, first = market
    running = first.reference

    def again(**more):
        return refresh("BTCUSDT", artifacts=workspace.root, gates=gates, **more)

    assert again() == Refreshed("BTCUSDT", "unchanged", running, 0)

    files.write(candles.rows(0, OLD + 29), file)
    assert again() == Refreshed("BTCUSDT", "unchanged", running, 29)
    assert _names(workspace) == [running]

    files.write(candles, file)
    refused = refresh("BTCUSDT", artifacts=workspace.root)
    assert (refused.state, refused.running, refused.rows) == ("refused", running, NEW - OLD)
    assert {"fresh", "skill"} <= set(refused.refused)
    assert len(_names(workspace)) == 2

    once_more = refresh("BTCUSDT", artifacts=workspace.root)
    assert (once_more.state, once_more.model) == ("unchanged", refused.model)

    promoted = again()  # other gates: the same model, which is not trained again
    assert (promoted.state, promoted.model) == ("promoted", refused.model)
    assert promoted.running == promoted.model != running
    assert promotion.promoted(workspace, "BTCUSDT").reference == promoted.model
    assert _names(workspace) == sorted([running, promoted.model])
    assert promoted.newest["beside"] == running
    assert promoted.newest["rows"] > 250
    assert promoted.way == "warm"
    assert promoted.drift.startswith("stable")

    assert again() == Refreshed("BTCUSDT", "unchanged", promoted.model, 0)


def _wild(candles):
    """The same market, whose later bars move five times as much."""
    log = np.log(candles.close)
    moves = np.diff(log, prepend=log[0])
    moves[OLD:] *= 5
    close = np.exp(log[0] + np.cumsum(moves))
    scaled = {name: getattr(candles, name) / candles.close * close for name in COLUMNS[:4]}
    return replace(candles, **scaled)


def _longer(candles):
    """The same bars after as many others, so that what was learned from is tested on."""
    start = int(candles.time[0])
    before = simulate("BTCUSDT", "1h", start - 4 * NEW * HOUR, start, seed=6)
    return replace(joined([before, candles]), synthetic=False)


@pytest.mark.parametrize(
    ("policy", "change", "warm"),
    [
        ("auto", lambda calm: calm.rows(0, NEW - 1), True),
        ("auto", _wild, False),
        ("auto", _longer, False),
        ("anew", lambda calm: calm, False),
        ("warm", _wild, True),
    ],
)
def test_how_a_training_begins(market, candles, tmp_path, monkeypatch, policy, change, warm):
    workspace, _, first = market
    begun = []

    def train(config, *_):
        begun.append(config.warm_start)
        raise StoppedError("stopped")

    monkeypatch.setattr(jobs, "train", train)
    monkeypatch.setattr(promotion, "promoted", lambda *_: first)
    files.write(change(candles), tmp_path / "btc.parquet")
    path = tmp_path / "btc.parquet"
    with pytest.raises(StoppedError):
        refresh("BTCUSDT", artifacts=workspace.root, candles=path, policy=policy)
    assert begun == [first.reference if warm else None]


def test_what_has_no_weights_is_trained_anew(market, candles, tmp_path, monkeypatch):
    workspace, _, first = market
    begun = []

    def train(config, *_):
        begun.append((config.model.architecture, config.warm_start))
        raise StoppedError("stopped")

    def recipe(text, where):
        return from_json(text, where).model_copy(update={"model": Enhanced()})

    monkeypatch.setattr(jobs, "train", train)
    monkeypatch.setattr("atb.plans.refresh.from_json", recipe)
    monkeypatch.setattr(promotion, "promoted", lambda *_: first)
    path = tmp_path / "btc.parquet"
    files.write(candles.rows(0, NEW - 3), path)  # rows that no other refresh has seen
    with pytest.raises(StoppedError):
        refresh("BTCUSDT", artifacts=workspace.root, candles=path)
    with pytest.raises(ConfigError, match="architecture enhanced gives no weights"):
        refresh("BTCUSDT", artifacts=workspace.root, candles=path, policy="warm")
    assert begun == [("enhanced", None)]


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (
            CandleData(start="2024-01-01", end="2024-02-01"),
            CandleData(start="2024-01-01", source="binance"),
        ),
        (
            CandleData(path=Path("btc.csv"), end="2024-02-01"),
            CandleData(path=Path("btc.csv"), source="file"),
        ),
    ],
)
def test_rows_are_asked_for_up_to_now_and_never_simulated(market, monkeypatch, data, asked):
    workspace, *_ = market
    config = TrainingConfig(symbol="BTCUSDT", data=data)
    seen = []

    def load(symbol, spec, *_):
        seen.append(spec)
        raise SourceUnavailableError("no network")

    monkeypatch.setattr("atb.plans.refresh.from_json", lambda *_: config)
    monkeypatch.setattr("atb.plans.refresh.load_history", load)
    with pytest.raises(SourceUnavailableError):
        refresh("BTCUSDT", artifacts=workspace.root)
    assert seen == [asked]


def test_one_at_a_time(market):
    workspace, *_ = market
    lock = workspace.plans / "refresh" / "BTCUSDT.lock"
    with atomic.locked(lock), pytest.raises(StorageError, match="another process refreshes"):
        refresh("BTCUSDT", artifacts=workspace.root)


def test_nobody_is_promoted(tmp_path):
    with pytest.raises(UsageError, match="no model of BTCUSDT is promoted"):
        refresh("BTCUSDT", artifacts=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_simulated_rows_are_refused(market, candles, tmp_path):
    workspace, *_ = market
    simulated = tmp_path / "simulated.parquet"
    files.write(replace(candles, synthetic=True), simulated)
    with pytest.raises(DataError, match="simulated"):
        refresh("BTCUSDT", artifacts=workspace.root, candles=simulated)


def test_a_model_is_level_with_itself(market, candles):
    *_, first = market
    found = newest.beside(first, first, candles.rows(0, OLD))
    assert found is not None
    assert (found.worse, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-6)
    assert found.metric == "rmse"


def test_what_is_worse_on_the_newest_rows_is_not_promoted(
    market, candles, gates, tmp_path, monkeypatch
):
    workspace, _, first = market
    before = promotion.read(workspace, "BTCUSDT")
    running = promotion.promoted(workspace, "BTCUSDT").reference
    worse = newest.Newest(running, 300, "", "", "rmse", 0.2, 0.1, 0.3)
    monkeypatch.setattr(jobs, "train", lambda *_: done.of_model(first))
    monkeypatch.setattr(promotion, "promoted", lambda *_: first)
    monkeypatch.setattr(newest, "beside", lambda *_: worse)
    path = tmp_path / "btc.parquet"
    files.write(candles.rows(0, NEW - 2), path)
    found = refresh("BTCUSDT", artifacts=workspace.root, candles=path, gates=gates)
    assert (found.state, found.refused[0]) == ("refused", "not_worse")
    assert found.newest == worse.to_json()
    assert promotion.read(workspace, "BTCUSDT") == before


@pytest.mark.parametrize(
    ("low", "high", "passes"), [(-0.02, 1.0, True), (-0.02, 1.01, False), (0.001, 0.5, False)]
)
def test_the_newest_rows_say_whether_a_model_is_worse(market, gates, low, high, passes):
    """Whatever stored test rows would say."""
    workspace, _, first = market
    running = promotion.promoted(workspace, "BTCUSDT").reference
    rivalry = newest.Newest(running, 300, "", "", "rmse", 0.0, low, high).rivalry()
    assert gate_file.read(gates).maximum_worsening == 1.0
    seen = {one.gate: one for one in review.examine(workspace, first, gates, rivalry).findings}
    assert seen["not_worse"].passed is passes
    assert "300 newest rows" in seen["not_worse"].words


def test_a_model_that_runs_no_more_is_no_rival(market, gates):
    workspace, _, first = market
    rivalry = newest.Newest("BTCUSDT/other/1", 300, "", "", "rmse", 0.5, 0.4, 0.6).rivalry()
    seen = {one.gate: one for one in review.examine(workspace, first, gates, rivalry).findings}
    assert "newest rows" not in seen["not_worse"].words
