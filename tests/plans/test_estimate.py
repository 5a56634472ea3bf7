"""What a plan may take: as long as its like did, else a few steps, else nobody knows."""

from __future__ import annotations

import pytest

from atb.clock import HOUR_MS, parse_time
from atb.config.plan import PlanSpec
from atb.fleet.job import Outcome
from atb.market import files
from atb.market.sample import simulate
from atb.plans import done, estimate, experience
from atb.plans.expand import expanded
from atb.workspace import Workspace

STEPS = {"train": {}, "evaluate": {"needs": ["train"]}}
ROWS = 20_000


@pytest.fixture
def candles(tmp_path):
    start = parse_time("2020-01-01")
    path = tmp_path / "data" / "BTCUSDT.parquet"
    files.write(simulate("BTCUSDT", "1h", start, start + ROWS * HOUR_MS, seed=1), path)
    return path.parent


@pytest.fixture
def measured(monkeypatch):
    """Recipes whose steps were to be measured; an epoch of each takes three seconds."""
    asked = []

    def three(configs, _logs, _listen):
        asked.extend(configs)
        return dict.fromkeys(configs, 3.0)

    monkeypatch.setattr(estimate, "_measured", three)
    return asked


def plan(candles, **more):
    said = {"description": "a plan", "symbols": ["BTCUSDT"], "recipes": ["fast"], "steps": STEPS}
    spec = PlanSpec.model_validate({**said, "candles": candles, **more})
    return expanded(spec, "plan", str)


def jobs(found):
    return {one["name"]: (one["state"], one["seconds"]) for one in found["jobs"]}


def test_a_network_is_measured_times_its_epochs_and_windows(candles, measured, tmp_path):
    found = estimate.estimate(plan(candles), artifacts=tmp_path / "out", at_once=2)
    assert measured == ["fast"]
    epoch = 3.0 * 0.7 * ROWS / estimate.TRIED_WINDOWS
    seconds = estimate.START_SECONDS + 100 * epoch
    assert jobs(found) == {
        "BTCUSDT-data": ("to do", None),
        "BTCUSDT-fast": ("to do", pytest.approx(seconds)),
        "BTCUSDT-evaluate": ("to do", None),
    }
    assert (found["seconds"], found["unknown"]) == (pytest.approx(seconds), 2)
    assert found["states"] == {"to do": 3}
    assert not (tmp_path / "out").exists()


def test_what_was_done_before_is_known(candles, measured, tmp_path):
    workspace, made = Workspace(tmp_path), plan(candles, seeds=[1])
    outcome = Outcome("BTCUSDT-fast", {"result": "of old"}, None, 42.0, 1, 9)
    experience.note(workspace, "old", made.nodes["BTCUSDT-fast"], outcome)
    other = plan(candles, seeds=[2])  # the same but for its seed
    found = estimate.estimate(other, artifacts=tmp_path, at_once=2)
    assert measured == [] and jobs(found)["BTCUSDT-fast"] == ("to do", 42.0)
    assert next(one for one in found["jobs"] if one["step"] == "train")["memory"] == 9
    changed = plan(candles, set={"training.epochs": 7})
    estimate.estimate(changed, artifacts=tmp_path, at_once=2)
    assert measured == ["fast"]


def test_what_is_done_costs_nothing_and_what_has_no_rows_is_unknown(candles, measured, tmp_path):
    made = plan(candles)
    first = estimate.estimate(made, artifacts=tmp_path, at_once=2)
    assert first["states"] == {"to do": 3}
    history = simulate("BTCUSDT", "1h", parse_time("2020-01-01"), parse_time("2020-02-01"), 1)
    key = done.keys(made, {"BTCUSDT-data": history.sha256()})["BTCUSDT-fast"]
    assert done.read(Workspace(tmp_path), key) is None
    fetched = plan(None)  # by an exchange, later
    found = estimate.estimate(fetched, artifacts=tmp_path, at_once=2)
    assert {name: state for name, (state, _) in jobs(found).items()} == {
        "BTCUSDT-data": "to do",
        "BTCUSDT-fast": "unknown",
        "BTCUSDT-evaluate": "unknown",
    }


def test_the_span_is_that_of_jobs_side_by_side(candles):
    made = plan(candles, seeds=[1, 2, 3])
    left = [node for node in made.nodes.values() if node.kind != "data"]
    seconds = {"BTCUSDT-fast-1": 10.0, "BTCUSDT-fast-2": 20.0, "BTCUSDT-fast-3": 5.0}
    seconds["BTCUSDT-evaluate"] = 1.0
    assert estimate.span(left, seconds, 1) == 36.0
    assert estimate.span(left, seconds, 2) == 21.0  # 10 + 5 beside 20, then the evaluation
    assert estimate.span(left, seconds, 8) == 21.0
    assert estimate.span([], {}, 2) == 0.0


def test_the_most_that_work_took_is_remembered(tmp_path, candles):
    workspace, node = Workspace(tmp_path), plan(candles).nodes["BTCUSDT-fast"]
    for key, seconds, memory in (("a", 3.0, 7), ("b", 5.0, 4)):
        experience.note(workspace, key, node, Outcome("x", {}, None, seconds, 1, memory))
    done.write(workspace, "c", {"result": "without costs"})
    for key, damaged in (("d", 3), ("e", {"like": "x"}), ("f", {"like": [], "seconds": "1"})):
        done.write(workspace, key, {"costs": damaged})
    assert experience.read(workspace) == {
        experience.likeness(node): experience.Cost(5.0, 7),
    }


@pytest.mark.slow
def test_steps_of_a_network_are_measured_in_a_process_of_their_own(candles, tmp_path):
    found = estimate.estimate(plan(candles), artifacts=tmp_path, at_once=1)
    assert jobs(found)["BTCUSDT-fast"][1] > estimate.START_SECONDS
