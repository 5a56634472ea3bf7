"""Drift followed bar by bar beside a monitor that is given everything at once."""

from __future__ import annotations

import numpy as np
import pytest

from atb.clock import HOUR_MS
from atb.config.targets import ReturnTarget, TripleBarrierTarget
from atb.market.candle import Candle
from atb.market.candles import Candles
from atb.monitor.drift import Monitor
from atb.monitor.profile import Profile
from atb.runtime.predictor import Answer
from atb.runtime.watch import Watch
from atb.targets.build import build

START = 1_704_067_200_000


def market(bars: int, missing: int | None = None, seed: int = 1) -> Candles:
    draw = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(draw.normal(0, 0.01, bars)))
    time = START + np.arange(bars) * HOUR_MS
    if missing is not None:
        time[missing:] += HOUR_MS
    columns = {"open": close, "high": close * 1.01, "low": close * 0.99, "close": close}
    return Candles.from_columns("", "1h", {"time": time, **columns, "volume": np.ones(bars)})


def profile(target, shift: float = 0.0) -> Profile:
    """Of two features and predictions that are drawn as `answers` draws them, or shifted ones."""
    draw, rows = np.random.default_rng(0), 3000
    shape = (rows, 3) if target.classes == 3 else (rows,)
    said = np.abs(draw.normal(0.3, 0.05, shape))
    truth = draw.integers(0, 3, rows) if target.classes == 3 else draw.normal(0, 0.01, rows)
    features = draw.normal(shift, 1, (rows, 2)).astype(np.float32)
    return Profile.of(("a", "b"), features, said, truth * 1.0, truth * 1.0, target.classes)


def answers(target, bars: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(3)
    shape = (bars, 3) if target.classes == 3 else (bars,)
    return draw.normal(0, 1, (bars, 2)).astype(np.float32), np.abs(draw.normal(0.3, 0.05, shape))


def feed(watch: Watch, candles: Candles, target, silent: range = range(0)) -> None:
    features, said = answers(target, len(candles))
    for row in range(len(candles)):
        output = tuple(said[row]) if said.ndim == 2 else float(said[row])
        answer = Answer(int(candles.time[row]), output, "", "", "", features[row])
        watch.bar(candles.bar(row), None if row in silent else answer)


@pytest.mark.parametrize(
    "target", [ReturnTarget(horizon=(3, 5)), TripleBarrierTarget(horizon=6, span=10)]
)
def test_bar_by_bar_is_as_all_at_once(target):
    bars, silent = 24 * 20, range(60, 80)  # the missing one makes the last a whole day's
    candles = market(bars, missing=200)
    watch = Watch(profile(target), target, "1h", 0)
    feed(watch, candles, target, silent)
    features, said = answers(target, bars)
    asked = np.array([row for row in range(bars) if row not in silent])
    monitor = Monitor(profile(target))
    monitor.observe(features[asked], said[asked])
    outcomes = build(target, candles).value[:, 0]
    known = asked[(asked < bars - target.horizons[0]) & np.isfinite(outcomes[asked])]
    assert len(known) < len(asked) - target.horizons[0]  # none over the gap
    monitor.mature(said[known], outcomes[known])
    ours, whole = watch.report(), monitor.report()
    assert ours.columns == whole.columns
    assert ours.errors is not None and whole.errors is not None
    assert ours.errors.rows == whole.errors.rows == len(known)
    assert ours.errors.mean_rank == pytest.approx(whole.errors.mean_rank, rel=1e-12)


def test_there_is_no_verdict_before_there_is_one_to_give():
    target = ReturnTarget()
    watch = Watch(profile(target), target, "1h", 0)
    candles = market(200)
    feed(watch, candles.rows(0, 24), target)
    assert (watch.words, watch.drifted) == (None, False)
    feed(watch, candles.rows(24, 200), target)
    assert watch.words is not None and watch.words.startswith("stable: none of 4 columns")
    assert not watch.drifted


def test_columns_that_hardly_change_leave_it_undecided():
    walk = np.cumsum(np.random.default_rng(0).normal(0, 1, (3000, 4)), axis=0)
    seen, truth = walk[:, :2].astype(np.float32), walk[:, 2]
    slow = Profile.of(("a", "b"), seen, walk[:, 3], truth, truth, 1)
    target = ReturnTarget()
    watch = Watch(slow, target, "1h", 0)
    feed(watch, market(60), target)
    assert {column.state for column in watch.report().columns} == {"undecided"}
    assert watch.words is None


def test_a_verdict_stands_until_the_next_period_can_tell():
    target = ReturnTarget()
    watch = Watch(profile(target, shift=5.0), target, "1h", 0)
    candles = market(24 * 30 + 49)
    feed(watch, candles.rows(0, 24 * 30), target)
    assert watch.drifted and watch.words is not None and watch.words.startswith("drifted: a, b")
    whole = watch.report()
    feed(watch, candles.rows(24 * 30, len(candles)), target)
    assert watch.drifted
    assert watch.report().columns[0].rows < 50 < whole.columns[0].rows


def test_a_silent_model_has_no_drift():
    target = ReturnTarget()
    watch = Watch(profile(target), target, "1h", 0)
    feed(watch, market(100), target, silent=range(100))
    assert watch.words is None


def test_memory_does_not_grow():
    target = ReturnTarget(horizon=4)
    watch = Watch(profile(target), target, "1h", 0)
    for row in range(900):
        candle = Candle(START + row * HOUR_MS, 1.0, 1.0, 1.0, 1.0 + row % 2, 1.0)
        watch.bar(candle, Answer(candle.time, 0.3, "", "", "", np.zeros(2, np.float32)))
        assert len(watch._bars) < 40 and len(watch._pending) < 40
