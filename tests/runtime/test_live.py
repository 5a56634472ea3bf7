"""The loop on a model made by hand: as the backtest, over swaps, damage, stops, kills and gaps."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.clock import HOUR_MS
from atb.errors import DataError, SourceUnavailableError, UsageError
from atb.events import Noted, Warned
from atb.market import files
from atb.market.candles import Candles
from atb.market.replay import ReplayFeed
from atb.monitor.profile import Profile
from atb.registry import promotion
from atb.runtime import ledger
from atb.runtime.decision import Decision, Status
from atb.runtime.live import Plan, ledger_of, run
from atb.runtime.replay import replay
from atb.runtime.scoring import score

EITHER_SIDE = {"positions": "long_short"}
EXITS = {
    **EITHER_SIDE,
    "volatility_bars": 20,
    "sizing": {"rule": "volatility_target", "limit": 2.0},
    "exits": {"stop": 0.01, "take_profit": 0.02},
    "costs": {"funding": 1.0, "slippage_per_volatility": 0.1},
}


@dataclass
class Heard:
    """A hook that does something at a decision, and remembers all it was told."""

    ledger: Path
    do: dict[int, Callable[[], Any]] = field(default_factory=dict)
    decisions: list[Decision] = field(default_factory=list)
    stops: int = 0

    def decided(self, decision: Decision) -> None:
        newest = ledger.read(self.ledger)[-1]["decision"] if len(self.decisions) < 40 else None
        assert newest in (None, decision.to_json()), "a decision is on the disk before it is told"
        self.decisions.append(decision)
        self.do.get(len(self.decisions), lambda: None)()

    def stopped(self) -> None:
        self.stops += 1

    @property
    def actions(self) -> list[str]:
        return [decision.action for decision in self.decisions]

    @property
    def bars(self) -> list[int]:
        return [decision.bar for decision in self.decisions]

    @property
    def positions(self) -> list[float]:
        return [decision.position for decision in self.decisions]


@dataclass
class Batches:
    """A market whose bars come together as told: `(how many, ms after the last one's close)`."""

    candles: Candles
    come: Sequence[tuple[int, int]]
    first: int
    at: int = 0
    symbol: str = "BTCUSDT"
    timeframe: str = "1h"
    source: str = "test"
    synthetic: bool = False
    trouble: str | None = None

    def __post_init__(self) -> None:
        self.at = self.at or int(self.candles.time[self.first])
        self._come: Iterator[tuple[int, int]] = iter(self.come)

    def now(self) -> int:
        return self.at

    def history(self, bars: int, until_ms: int | None = None) -> Candles:
        until = self.at if until_ms is None else until_ms
        stop = int(np.searchsorted(self.candles.close_time, until, "right"))
        return self.candles.rows(max(0, stop - bars), stop)

    def next(self, after_ms: int, stop: Callable[[], bool]) -> Candles:
        start = int(np.searchsorted(self.candles.time, after_ms, "right"))
        bars, delay = next(self._come, (0, 0))
        found = self.candles.rows(start, start + bars)
        if len(found):
            self.at = int(found.close_time[-1]) + delay
        return found


@pytest.fixture
def plan(workspace) -> Plan:
    return Plan(workspace, ledger_of(workspace, "BTCUSDT", replay=True), durable=False)


@pytest.fixture
def heard(plan) -> Heard:
    return Heard(plan.ledger)


@pytest.mark.parametrize("trading", [{}, EXITS], ids=["as usual", "with exits"])
def test_a_replay_from_the_start_makes_the_backtests_trades_exactly(
    registered, promote, plan, market_data, tmp_path, trading
):
    path = market_data / "crypto_ohlcv" / "BTCUSDT_1h_2023-01-01_2024-12-31.feather"
    candles = files.read(path, "BTCUSDT", "1h")
    (gap,) = np.flatnonzero(candles.missing_before())
    candles = candles.rows(gap - 200, gap + 200)
    version = registered(trading=trading)
    promote(version)
    outcome = run(plan, ReplayFeed(candles))
    files.write(candles, tmp_path / "rows.parquet")
    backtest = replay(version.path, tmp_path / "rows.parquet").backtest
    made = backtest.tables()["trades"]
    expected = zip(
        made["opened"].astype(np.int64).tolist(),
        made["closed"].astype(np.int64).tolist(),
        np.where(made["side"] == "long", 1, -1).tolist(),
        made["entry_price"].tolist(),
        made["exit_price"].tolist(),
        made["reason"].tolist(),
        strict=True,
    )
    ours = [(t.opened, t.closed, t.side, t.entry, t.exit, t.reason) for t in outcome.trades]
    assert ours == list(expected) and len(ours) > 10
    assert outcome.equity == pytest.approx(backtest.equity[-1], rel=1e-12)
    assert outcome.ended and outcome.held == 0
    assert outcome.actions == {"warming": 10, "signal": 390}
    assert {one.reason for one in outcome.trades} >= ({"stop", "take_profit"} if trading else set())


def test_what_is_decided_is_what_the_batch_says(registered, promote, plan, heard, make_candles):
    version, candles = registered(trading=EITHER_SIDE), make_candles(40)
    promote(version)
    shown: list[Status] = []
    outcome = run(plan, ReplayFeed(candles, 10), hooks=[heard], show=shown.append)
    said = score(version.path, candles).value[-30:]
    assert [one.output for one in heard.decisions] == pytest.approx(said.tolist(), abs=1e-6)
    assert heard.positions == np.sign(said).tolist()
    assert [one.bar for one in heard.decisions] == candles.time[10:].tolist()
    assert [one.at for one in heard.decisions] == candles.close_time[10:].tolist()
    assert [one.decision for one in shown] == heard.decisions
    assert (heard.stops, outcome.decisions, shown[-1].decisions) == (1, 30, 30)
    first = heard.decisions[0]
    assert (first.price, first.version, first.unit) == (
        candles.close[10],
        version.reference,
        "return",
    )
    assert first.latency_ms is not None and first.latency_ms > 0
    side = "long" if said[0] > 0 else "short"
    assert first.reason == (
        f"a return of {said[0] * 1e4:+.1f} basis points: {side} 1 of the equity"
    )
    assert shown[0].due == candles.time[10] + 2 * HOUR_MS
    assert outcome.to_json()["versions"] == [version.reference]


def test_a_promoted_model_is_taken_at_the_next_bar_and_one_taken_back_too(
    registered, promote, plan, heard, make_candles, workspace
):
    old, new = registered(1), registered(2, rows=9, trading=EITHER_SIDE)
    promote(old)
    candles, told = make_candles(60), []
    heard.do = {
        7: lambda: promote(new),
        15: lambda: promotion.rollback(workspace, "BTCUSDT", "worse"),
    }
    outcome = run(plan, ReplayFeed(candles, 30), hooks=[heard], listen=told.append)
    asked = [one.version for one in heard.decisions]
    assert asked == [old.reference] * 7 + [new.reference] * 8 + [old.reference] * 15
    assert set(heard.actions) == {"signal"}  # its longer window was whole at once
    both = [score(one.path, candles).value[-30:] for one in (old, new)]
    said = [*both[0][:7], *both[1][7:15], *both[0][15:]]
    assert [one.output for one in heard.decisions] == pytest.approx(said, abs=1e-6)
    sides = np.sign(said)
    sides[:7], sides[15:] = np.maximum(sides[:7], 0), np.maximum(sides[15:], 0)
    assert heard.positions == sides.tolist() and -1 in heard.positions
    assert outcome.versions == (old.reference, new.reference, old.reference)
    assert [one.message.split()[0] for one in told if isinstance(one, Noted)] == [
        new.reference,
        old.reference,
    ]


def test_volatility_is_known_from_the_first_bar_on_and_from_the_first_of_a_new_model(
    registered, promote, plan, heard, make_candles
):
    aimed = {**EITHER_SIDE, "sizing": {"rule": "volatility_target", "limit": 100.0}}
    promote(registered(1, trading={**aimed, "volatility_bars": 8}))
    heard.do = {2: lambda: promote(registered(2, trading={**aimed, "volatility_bars": 40}))}
    candles = make_candles(60)
    run(plan, ReplayFeed(candles, 50), hooks=[heard])
    returns = np.diff(np.log(candles.close))
    for row, decision, bars in zip(range(50, 54), heard.decisions, [8, 8, 40, 40], strict=False):
        moves = np.sqrt(np.mean(returns[row - bars : row] ** 2))  # up to the close of the row
        assert abs(decision.position) == pytest.approx(0.2 / np.sqrt(365.25 * 24) / moves)


@pytest.mark.parametrize("durable", [True, False])
def test_each_decision_is_flushed_unless_the_plan_says_otherwise(
    registered, promote, plan, make_candles, monkeypatch, durable
):
    promote(registered())
    files_flushed, flush = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: files_flushed.append(flush(file)))
    run(replace(plan, durable=durable), ReplayFeed(make_candles(40), 20))
    assert len(files_flushed) >= 20 if durable else len(files_flushed) <= 3  # its beginning
    assert len(ledger.read(plan.ledger)) == 20


def test_where_the_pointer_is_damaged_nothing_is_held_until_it_is_mended(
    registered, promote, plan, heard, make_candles, workspace
):
    promote(registered())
    pointer = workspace.model_root / "BTCUSDT" / promotion.POINTER
    whole, told, shown = pointer.read_bytes(), [], []
    heard.do = {
        5: lambda: pointer.write_bytes(b"{}"),
        8: lambda: pointer.write_bytes(whole),
    }
    run(
        plan,
        ReplayFeed(make_candles(40), 20),
        hooks=[heard],
        listen=told.append,
        show=shown.append,
    )
    assert heard.actions == ["signal"] * 5 + ["no_model"] * 3 + ["signal"] * 12
    closed = heard.decisions[5:8]
    assert {(one.position, one.version, one.output) for one in closed} == {(0.0, None, None)}
    assert "it names line None of a journal of 1 lines" in closed[0].reason
    assert [one.trouble is not None for one in shown] == [5 < n < 9 for n in range(1, 21)]
    assert [one.held for one in shown[6:9]] == [0.0] * 3  # sold at the open after the first of them
    assert len([one for one in told if isinstance(one, Warned)]) == 1


def test_a_damaged_new_model_is_not_taken_and_the_old_one_returns_with_a_rollback(
    registered, promote, plan, heard, make_candles, workspace
):
    old, new = registered(1), registered(2)
    promote(old)

    def break_it() -> None:
        promote(new)
        content = bytearray(new.onnx.read_bytes())
        content[100] ^= 1
        new.onnx.write_bytes(content)

    heard.do = {3: break_it, 6: lambda: promotion.rollback(workspace, "BTCUSDT", "broken")}
    run(plan, ReplayFeed(make_candles(40), 30), hooks=[heard])
    assert heard.actions == ["signal"] * 3 + ["no_model"] * 3 + ["signal"] * 4
    assert "its SHA-256 is" in heard.decisions[3].reason
    assert heard.decisions[-1].version == old.reference


def test_a_model_of_other_bars_is_refused_with_both_named(
    registered, promote, plan, heard, make_candles
):
    hours, days = registered(1), registered(2, timeframe="1d")
    promote(hours)
    heard.do = {2: lambda: promote(days)}
    run(plan, ReplayFeed(make_candles(24), 20), hooks=[heard])
    assert heard.actions == ["signal", "signal", "no_model", "no_model"]
    both = "is a model of BTCUSDT in bars of 1d, what comes is BTCUSDT in bars of 1h"
    assert both in heard.decisions[-1].reason
    with pytest.raises(DataError, match=both):
        run(replace(plan, ledger=plan.ledger.with_name("other.jsonl")), ReplayFeed(make_candles(9)))


def test_nothing_begins_without_a_promoted_model(plan, heard, make_candles):
    with pytest.raises(UsageError, match="no model of BTCUSDT is promoted"):
        run(plan, ReplayFeed(make_candles(9)), hooks=[heard])
    assert heard.stops == 1


def test_answers_that_are_no_numbers_end_in_no_position(
    registered, promote, plan, heard, make_candles
):
    promote(registered())
    candles = make_candles(30)
    price = np.array(candles.close)
    price[:12], price[16:] = 1e-30, 1e20
    candles = replace(candles, **dict.fromkeys(("open", "high", "low", "close"), price))
    run(plan, ReplayFeed(candles, 10), hooks=[heard])
    assert heard.actions[6:8] == ["no_model", "signal"]
    assert heard.actions.count("no_model") == 1
    assert "finite number" in heard.decisions[6].reason


def test_iterations_end_it_and_the_account_goes_on(registered, promote, plan, heard, make_candles):
    promote(registered())
    outcome = run(replace(plan, iterations=4), ReplayFeed(make_candles(40), 20), hooks=[heard])
    assert (outcome.decisions, outcome.ended, len(ledger.read(plan.ledger))) == (4, False, 4)


def test_a_stop_while_a_bar_is_waited_for_closes_nothing(registered, promote, plan, make_candles):
    promote(registered(trading=EITHER_SIDE))
    feed = ReplayFeed(make_candles(40), 20)
    stopped, next_bars = [], feed.next

    def waited_for(after_ms: int, stop: Callable[[], bool]) -> Candles:
        stopped.extend([True] if after_ms >= feed.candles.time[30] else [])
        return next_bars(after_ms, stop)

    feed.next = waited_for
    outcome = run(plan, feed, stop=lambda: bool(stopped))
    assert (outcome.decisions, outcome.ended, abs(outcome.held)) == (11, False, 1.0)


@pytest.mark.parametrize("way", ["stop", "raise"])
def test_whatever_ends_it_the_next_one_goes_on_to_the_same_bits(
    registered, promote, plan, make_candles, workspace, way
):
    promote(registered(trading=EXITS))
    candles = make_candles(100, missing=[70])
    first, cuts = 40, (1, 17, 30, 31, 33)
    whole = run(plan, ReplayFeed(candles, first))
    expected = [record["decision"] for record in ledger.read(plan.ledger)]
    plan = replace(plan, ledger=plan.ledger.with_name("cut.jsonl"))
    trades, heard, row = [], Heard(plan.ledger), first
    for cut in (*cuts, len(candles)):
        heard.do = {cut: _raise if way == "raise" else (lambda: None)}
        stop = (lambda cut=cut: len(heard.decisions) >= cut) if way == "stop" else (lambda: False)
        try:
            outcome = run(plan, ReplayFeed(candles, row), hooks=[heard], stop=stop)
        except KeyboardInterrupt:
            pass
        else:
            trades += outcome.trades
            assert outcome.ended == (cut == len(candles))
        row = first + len(heard.decisions)
    assert [_timeless(one.to_json()) for one in heard.decisions] == [
        _timeless(one) for one in expected
    ]
    assert heard.stops == len(cuts) + 1
    assert (outcome.equity, outcome.closed) == (whole.equity, whole.closed)
    if way == "stop":
        assert tuple(trades) == whole.trades


def _raise() -> None:
    raise KeyboardInterrupt


def _timeless(decision: dict[str, Any]) -> dict[str, Any]:
    return {**decision, "latency_ms": None}


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from atb.market.candles import Candles
from atb.market.replay import ReplayFeed
from atb.runtime.live import Plan, run
from atb.workspace import Workspace

class Killer:
    told = 0
    def decided(self, decision):
        self.told += 1
        if self.told == 12:
            os.kill(os.getpid(), signal.SIGKILL)
    def stopped(self):
        pass

root, ledger, candles = map(Path, sys.argv[1:])
feed = ReplayFeed(Candles.from_columns("BTCUSDT", "1h", np.load(candles)), 40)
run(Plan(Workspace(root), ledger), feed, hooks=[Killer()])
"""


def test_after_a_kill_it_goes_on_without_missing_or_doubling_a_bar(
    registered, promote, plan, make_candles, workspace, tmp_path
):
    promote(registered(trading=EXITS))
    candles = make_candles(100)
    whole = run(plan, ReplayFeed(candles, 40))
    plan = replace(plan, ledger=plan.ledger.with_name("killed.jsonl"))
    columns = {name: getattr(candles, name) for name in ("time", *candles.columns)}
    np.savez(tmp_path / "candles.npz", **columns)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, workspace.root, plan.ledger, tmp_path / "candles.npz"],
        check=False,
        timeout=60,
    )
    assert done.returncode == -9
    assert len(ledger.read(plan.ledger)) == 12
    outcome = run(plan, ReplayFeed(candles, 52))
    bars = [record["decision"]["bar"] for record in ledger.read(plan.ledger)]
    assert bars == candles.time[40:].tolist()
    assert (outcome.equity, outcome.closed) == (whole.equity, whole.closed)


def test_bars_that_come_together_were_missed_but_for_the_last(
    registered, promote, plan, heard, make_candles
):
    version, candles = registered(trading=EITHER_SIDE), make_candles(30)
    promote(version)
    feed = Batches(candles, [(1, 500), (1, 500), (4, 500), (1, 500)], first=20)
    outcome = run(plan, feed, hooks=[heard])
    assert heard.actions == ["signal", "signal", "missed", "missed", "missed", "signal", "signal"]
    assert [one.bar for one in heard.decisions] == candles.time[20:27].tolist()
    held = heard.positions[1]
    assert held and heard.positions[2:5] == [held] * 3
    said = np.sign(score(version.path, candles).value[20 - 5 :])
    assert heard.positions[5] == said[5] and heard.positions[6] == said[6]
    assert heard.decisions[2].reason == "newer bars came with it: 3"
    assert (heard.decisions[2].version, heard.decisions[2].output) == (None, None)
    assert outcome.actions == {"signal": 4, "missed": 3}


def test_a_stop_is_heard_among_bars_that_come_together(
    registered, promote, plan, heard, make_candles
):
    promote(registered())
    candles = make_candles(40)
    come = [(12, 500)]
    stopped = run(
        plan, Batches(candles, come, first=20), hooks=[heard], stop=lambda: len(heard.bars) == 3
    )
    assert (stopped.decisions, stopped.ended) == (3, False)
    run(replace(plan, iterations=1), Batches(candles, [(9, 500)], first=32), hooks=[heard])
    assert heard.bars == candles.time[20:32].tolist()


def test_a_bar_that_comes_too_late_changes_nothing(registered, promote, plan, heard, make_candles):
    version, candles = registered(trading=EITHER_SIDE), make_candles(40)
    promote(version)
    said = np.sign(score(version.path, candles).value)
    turn = int(np.flatnonzero(np.diff(said[20:]))[0]) + 20 + 5  # the next one says the other side
    feed = Batches(candles, [(1, 0), (1, HOUR_MS // 10 + 1), (1, HOUR_MS // 10)], first=turn)
    run(plan, feed, hooks=[heard])
    assert heard.actions == ["signal", "late", "signal"]
    assert heard.positions[1] == heard.positions[0] == said[turn - 5] != said[turn - 4]
    assert "came 360001 ms after its close" in heard.decisions[1].reason
    assert heard.decisions[1].version == version.reference


def test_after_a_gap_nothing_is_held_until_the_window_is_whole(
    registered, promote, plan, heard, make_candles
):
    promote(registered(trading=EITHER_SIDE))
    run(plan, ReplayFeed(make_candles(30, missing=[19]), 15), hooks=[heard])
    assert heard.actions == ["signal"] * 5 + ["warming"] * 5 + ["signal"] * 5
    assert heard.positions[5:10] == [0.0] * 5
    assert heard.decisions[5].reason == "5 more bars until the window is whole"


def test_a_bar_that_no_market_can_have_is_left_out(registered, promote, plan, heard, make_candles):
    promote(registered(trading=EITHER_SIDE))
    candles, told = make_candles(30), []
    high = np.array(candles.high)
    high[21] /= 2
    broken = replace(candles, high=high)
    run(
        plan,
        Batches(broken, [(1, 0), (1, 0), (1, 0)], first=20),
        hooks=[heard],
        listen=told.append,
    )
    assert [one.bar for one in heard.decisions] == [candles.time[20], candles.time[22]]
    assert heard.actions == ["signal", "warming"]
    assert any("no market has a bar of time" in one.message for one in told)


def test_a_stop_closes_what_the_model_would_go_on_holding(
    registered, promote, plan, heard, make_candles
):
    promote(registered(trading={"exits": {"stop": 0.05}}))
    price, flat = np.linspace(100, 130, 30), make_candles(30)
    candles = replace(
        flat,
        **dict.fromkeys(("open", "high", "close"), price),
        low=np.where(np.arange(30) == 21, 105.0, price),
    )
    run(plan, ReplayFeed(candles, 15), hooks=[heard])
    assert heard.positions == [1.0] * 6 + [0.0] * 9
    said = (
        "long 1 of the equity, but a stop or take-profit closed it: nothing until the side changes"
    )
    assert heard.decisions[6].reason.endswith(said)


def test_the_ledger_of_other_bars_is_refused(registered, promote, plan, make_candles):
    promote(registered())
    run(replace(plan, iterations=1), ReplayFeed(make_candles(30), 20))
    days = replace(make_candles(9), timeframe="1d", time=np.arange(9) * 24 * HOUR_MS)
    for other, of in ((days, "BTCUSDT, 1d"), (replace(make_candles(9), symbol="X"), "X, 1h")):
        with pytest.raises(UsageError, match=rf"it is of BTCUSDT in bars of 1h, .* of {of}"):
            run(plan, ReplayFeed(other))


def test_a_model_whose_history_cannot_be_had_is_tried_again(
    registered, promote, plan, heard, make_candles
):
    promote(registered(1))
    new = registered(2)
    feed = ReplayFeed(make_candles(40), 30)
    asked = feed.history
    fails = iter([True, False])

    def history(bars: int, until_ms: int | None = None) -> Candles:
        if len(heard.decisions) and next(fails):
            raise SourceUnavailableError("the market does not answer")
        return asked(bars, until_ms)

    feed.history = history
    heard.do = {3: lambda: promote(new)}
    run(plan, feed, hooks=[heard])
    assert heard.actions == ["signal"] * 3 + ["no_model"] + ["signal"] * 6
    assert "the market does not answer" in heard.decisions[3].reason
    assert heard.decisions[4].version == new.reference


def test_what_the_feed_says_of_itself_is_shown(registered, promote, plan, make_candles):
    promote(registered())
    feed, shown = Batches(make_candles(30), [(1, 0)], first=20), []
    feed.trouble, feed.synthetic = "the market does not answer", True
    outcome = run(plan, feed, show=shown.append)
    (status,) = shown
    assert (status.trouble, status.synthetic, status.source) == (feed.trouble, True, "test")
    assert outcome.synthetic and outcome.source == "test"


def test_drift_is_shown(registered, promote, plan, make_candles):
    columns, draw = ("open", "high", "low", "close", "volume"), np.random.default_rng(0)
    seen, said = draw.normal(0, 1, (2000, 5)).astype(np.float32), draw.normal(0, 0.02, 2000)
    learned = Profile.of(columns, seen, said, said, said, 1).to_json()
    promote(registered(**{"profile.json": learned}))
    shown: list[Status] = []
    outcome = run(plan, ReplayFeed(make_candles(150), 20), show=shown.append)
    assert (shown[0].drift, shown[0].drifted) == (None, False)
    assert (shown[-1].drift, shown[-1].drifted) == (outcome.drift, outcome.drifted)
    assert outcome.drifted and "drifted: " in outcome.drift


def test_simulated_rows_are_told_of(registered, promote, plan, make_candles):
    promote(registered(synthetic=True))
    assert run(plan, ReplayFeed(make_candles(20))).synthetic
    assert all(record["synthetic"] for record in ledger.read(plan.ledger))


def test_a_model_that_takes_long_to_come_decides_no_bar_too_late(
    registered, promote, plan, heard, make_candles
):
    promote(registered(1, trading=EITHER_SIDE))
    new = registered(2, trading=EITHER_SIDE)
    feed = Batches(make_candles(40), [(1, 500)] * 4, first=30)
    asked = feed.history

    def history(bars: int, until_ms: int | None = None) -> Candles:
        feed.at += HOUR_MS // 9 if len(heard.decisions) else 0
        return asked(bars, until_ms)

    feed.history = history
    heard.do = {2: lambda: promote(new)}
    run(plan, feed, hooks=[heard])
    assert heard.actions == ["signal", "signal", "late", "signal"]
    assert heard.positions[2] == heard.positions[1]
    assert [one.version for one in heard.decisions[2:]] == [new.reference] * 2


def test_a_market_that_takes_long_to_tell_what_was_may_close_a_bar_meanwhile(
    registered, promote, plan, heard, make_candles
):
    promote(registered())
    feed = Batches(make_candles(40), [(1, 0)], first=30)
    asked = feed.history

    def history(bars: int, until_ms: int | None = None) -> Candles:
        feed.at += HOUR_MS
        return asked(bars, feed.at)

    feed.history = history
    run(plan, feed, hooks=[heard])
    assert heard.decisions[0].bar == feed.candles.time[31]


def test_volatility_is_known_from_the_first_bar_of_a_model_promoted_between_two_loops(
    registered, promote, plan, heard, make_candles
):
    aimed = {**EITHER_SIDE, "sizing": {"rule": "volatility_target", "limit": 100.0}}
    candles = make_candles(60)
    promote(registered(1, trading={**aimed, "volatility_bars": 8}))
    run(replace(plan, iterations=2), ReplayFeed(candles, 50))
    promote(registered(2, trading={**aimed, "volatility_bars": 40}))
    run(replace(plan, iterations=1), ReplayFeed(candles, 52), hooks=[heard])
    moves = np.sqrt(np.mean(np.diff(np.log(candles.close))[12:52] ** 2))
    (decision,) = heard.decisions
    assert abs(decision.position) == pytest.approx(0.2 / np.sqrt(365.25 * 24) / moves)
