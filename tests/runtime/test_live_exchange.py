"""The loop on an exchange that fails, ended and begun at any bar: none is missed or doubled."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.market.klines import SAFETY_MS
from atb.market.live import BinanceFeed
from atb.market.timer import Timer
from atb.runtime import ledger
from atb.runtime.decision import Decision
from atb.runtime.live import Plan, ledger_of, run
from atb.runtime.paper import Paper
from atb.runtime.promoted import opened

MINUTE, FIRST, LAST = 60_000, 300, 480
FAULTS = [*[None] * 12, 429, 500, "cut", "drop", "double", b"<html>", b"{}", b"[[1, 2], [3, 4]]"]
TRADING = {"positions": "long_short", "exits": {"stop": 0.02}, "volatility_bars": 20}


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the exchange on loopback."""
    path = Path(__file__).parents[1] / "market" / "exchange.py"
    spec = importlib.util.spec_from_file_location("loopback_exchange", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


@dataclass
class World:
    """Time that passes while somebody sleeps, 20 ms with each question, and while nobody runs."""

    ms: float

    def now(self) -> int:
        self.ms += 20
        return int(self.ms)

    def sleep(self, seconds: float) -> None:
        self.ms += 1000 * seconds

    @property
    def timer(self) -> Timer:
        return Timer(lambda: self.ms / 1000, self.sleep)


@dataclass
class Ending:
    """A hook that lets a storm begin at the first decision, and ends the loop after some."""

    faults: dict[str, list[Any]]
    told: list[int]
    left: int
    storm: list[Any] = field(default_factory=list)

    def decided(self, decision: Decision) -> None:
        self.told.append(decision.bar)
        self.faults["/"] = self.storm
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt

    def stopped(self) -> None:
        self.faults.clear()


def test_no_bar_is_missed_or_doubled(registered, promote, workspace, make_candles, loopback):
    versions = [registered(number, timeframe="1m", trading=TRADING) for number in (1, 2)]
    time = 1_704_067_200_000 + MINUTE * np.arange(600)
    candles = replace(make_candles(600), timeframe="1m", time=time)
    draw, world, told = np.random.default_rng(5), World(float(time[FIRST])), []
    exchange = loopback.Exchange(candles, now=world.now)
    exchange.left_out = {int(time[row]): int(time[row]) + 135_000 for row in (340, 377, 420)}
    plan = Plan(workspace, ledger_of(workspace, "BTCUSDT", replay=False), durable=False)
    with loopback.serving(exchange):
        while world.ms < time[LAST]:
            promote(versions[int(draw.integers(2))])
            feed = BinanceFeed.of("BTCUSDT", "1m", exchange.endpoints, 5.0, timer=world.timer)
            storm = [FAULTS[one] for one in draw.integers(0, len(FAULTS), 50)]
            hook = Ending(exchange.faults, told, int(draw.integers(1, 25)), storm)
            with suppress(KeyboardInterrupt):
                run(plan, feed, hooks=[hook])
            world.ms += float(draw.choice([0, 3_000, 400_000]))
    records: list[Any] = list(ledger.read(plan.ledger))
    decided = [record["decision"] for record in records]
    assert told == [one["bar"] for one in decided]
    assert told == time[FIRST - 1 : FIRST - 1 + len(told)].tolist()
    assert {"signal", "missed", "late"} <= {one["action"] for one in decided}
    assert all(one["at"] >= one["bar"] + MINUTE + SAFETY_MS for one in decided)
    spec = opened(versions[0]).trading
    for before, after in itertools.pairwise(records):  # one account, whoever held it
        paper = Paper("1m", spec, before["state"]["paper"])
        row = int(np.searchsorted(time, after["decision"]["bar"]))
        paper.bar(candles.bar(row), before["state"]["asked"])
        assert paper.state() == after["state"]["paper"]
