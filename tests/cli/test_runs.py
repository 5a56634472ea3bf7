"""Trainings that were stopped are found again."""

from __future__ import annotations

import pytest

from atb import runs
from atb.market.sample import simulate
from atb.presets import resolve
from atb.workspace import Workspace

HOUR_MS = 3_600_000
NAMES = ("20240131T120000Z-7f3a91bc", "20240201T120000Z-00000000")


@pytest.fixture
def stopped(tmp_path):
    """A run of `fast` with a checkpoint, and a later one of `lstm` without."""
    workspace = Workspace(tmp_path / "artifacts")
    candles = simulate("BTCUSDT", "1h", 0, 50 * HOUR_MS, seed=1)
    made = [
        runs.start(workspace, name, runs.Recipe(resolve(preset, "BTCUSDT").config, candles, {}))
        for name, preset in zip(NAMES, ("fast", "lstm"), strict=True)
    ]
    (made[0].checkpoints / "000001-000000000").mkdir(parents=True)
    return made


def test_runs_are_listed_with_what_they_train(atb, stopped):
    listed = atb("train", "runs", "--json").json["runs"]
    assert listed == [
        {
            "name": NAMES[0],
            "symbol": "BTCUSDT",
            "preset": "fast",
            "resumable": True,
            "path": f"artifacts/runs/{NAMES[0]}",
        },
        {
            "name": NAMES[1],
            "symbol": "BTCUSDT",
            "preset": "lstm",
            "resumable": False,
            "path": f"artifacts/runs/{NAMES[1]}",
        },
    ]
    done = atb("train", "runs")
    assert (done.code, done.err) == (0, "")
    first, second = done.out.splitlines()[2:]
    assert first.split() == [NAMES[0], "BTCUSDT", "fast", "yes", listed[0]["path"]]
    assert second.split()[3] == "no"


def test_a_run_whose_recipe_is_damaged_is_listed_too(atb, stopped):
    (stopped[1].path / runs.RECIPE / runs.CONFIG).write_text("{}")
    damaged = atb("train", "runs", "--json").json["runs"][1]
    assert (damaged["name"], damaged["symbol"], damaged["preset"]) == (NAMES[1], None, None)


def test_where_there_are_none_it_says_so(atb, tmp_path):
    done = atb("train", "runs")
    assert (done.code, done.out) == (0, "")
    assert done.said == "no training in artifacts is in progress or was stopped"
    assert atb("train", "runs", "--json").json == {"runs": []}
    assert list(tmp_path.iterdir()) == []
