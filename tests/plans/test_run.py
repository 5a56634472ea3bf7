"""Plans carried out with cheap work: what is done is not done again, whatever else happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from atb import cache, event_log
from atb.clock import HOUR_MS, parse_time
from atb.errors import DataError, StoppedError, StorageError
from atb.fleet.engines.local import Local
from atb.fleet.job import Outcome
from atb.market import files
from atb.market.sample import simulate
from atb.plans import run as plans
from atb.plans import work
from atb.plans.run import run
from atb.workspace import Workspace

FOUR = {"AAA-fast-1", "AAA-fast-2", "BBB-fast-1", "BBB-fast-2"}


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("candles")
    start = parse_time("2024-01-01")
    for seed, symbol in enumerate(("AAA", "BBB", "BAD", "KILLED", "SLOW")):
        made = simulate(symbol, "1h", start, start + 50 * HOUR_MS, seed=seed)
        files.write(made, folder / f"{symbol}_1h.parquet")
    return folder


class Here:
    """Carries out jobs in this process, and says which."""

    name = "here"

    def __init__(self):
        self.asked = []

    def run(self, jobs, logs, listen):
        self.asked = [job.name for job in jobs]
        return [
            Outcome(job.name, job.function(**job.arguments, listen=listen), None, 2.0, 1, 7)
            for job in jobs
        ]


@pytest.fixture
def here(monkeypatch):
    """An engine of this process, for rows too."""
    rows = Here()
    monkeypatch.setattr(plans.local, "connect", lambda _at_once, _address: rows)
    made = Here()
    made.rows = rows
    return made


def states(result):
    return {one["name"]: one["state"] for one in result.summary["jobs"]}


def test_a_second_run_does_nothing(plan_jobs, candles, tmp_path, here):
    made = plan_jobs.plan(("AAA", "BBB"), candles)
    first = run(made, artifacts=tmp_path, engine=here)
    assert here.rows.asked == ["AAA-data", "BBB-data"]
    assert set(here.asked) == {*FOUR, "AAA-evaluate", "BBB-evaluate"}
    assert set(states(first).values()) == {"done"} and not first.failures
    evaluated = first.summary["results"]["AAA-evaluate"]["of"]
    assert evaluated == {
        one["job"]: one["model"] for one in first.summary["models"] if one["symbol"] == "AAA"
    }
    here.asked, here.rows.asked = None, None
    again = run(made, artifacts=tmp_path, engine=here)
    assert (here.asked, here.rows.asked) == (None, None)
    assert set(states(again).values()) == {"was done"}
    assert again.summary["models"] == [{**one, "new": False} for one in first.summary["models"]]
    assert json.loads((again.path / "results.json").read_text()) == again.summary


def test_only_what_has_changed_is_done_again(plan_jobs, candles, tmp_path, here, monkeypatch):
    run(plan_jobs.plan(("AAA",), candles), artifacts=tmp_path, engine=here)
    run(plan_jobs.plan(("BBB", "AAA"), candles, seeds=(2, 3)), artifacts=tmp_path, engine=here)
    asked = {"BBB-fast-2", "BBB-fast-3", "AAA-fast-3", "BBB-evaluate", "AAA-evaluate"}
    assert set(here.asked) == asked
    monkeypatch.setattr("atb.plans.done.code_sha256", lambda: "another version")
    run(plan_jobs.plan(("AAA",), candles), artifacts=tmp_path, engine=here)
    assert set(here.asked) == {"AAA-fast-1", "AAA-fast-2", "AAA-evaluate"}


def test_other_rows_in_the_same_file_are_other_work(plan_jobs, candles, tmp_path, here):
    place = tmp_path / "AAA_1h.parquet"
    place.write_bytes((candles / "AAA_1h.parquet").read_bytes())
    made = plan_jobs.plan(("AAA",), tmp_path)
    run(made, artifacts=tmp_path / "out", engine=here)
    here.asked = []
    place.write_bytes((candles / "BBB_1h.parquet").read_bytes())
    run(made, artifacts=tmp_path / "out", engine=here)
    assert len(here.asked) == 3


def test_a_model_that_is_gone_or_changed_is_trained_again(plan_jobs, candles, tmp_path, here):
    made = plan_jobs.plan(("AAA",), candles)
    first = run(made, artifacts=tmp_path, engine=here)
    model = Path(first.summary["models"][0]["path"])
    (model / "manifest.json").write_text("{}")
    run(made, artifacts=tmp_path, engine=here)
    assert here.asked == ["AAA-fast-1"]


def test_kept_rows_that_are_damaged_are_read_again(plan_jobs, candles, tmp_path, here):
    made = plan_jobs.plan(("AAA",), candles)
    run(made, artifacts=tmp_path, engine=here)
    (kept,) = Workspace(tmp_path).histories.glob("*.parquet")
    whole = kept.read_bytes()
    kept.write_bytes(whole.replace(b"close", b"clone"))
    here.asked = []
    run(made, artifacts=tmp_path, engine=here)
    assert here.rows.asked == ["AAA-data"] and here.asked == []
    assert kept.read_bytes() == whole


def test_nothing_is_pruned_from_reading_to_the_end(plan_jobs, candles, tmp_path, here, monkeypatch):
    rooms = Workspace(tmp_path).caches

    def pruned(jobs, logs, listen):
        outcomes = Here.run(here, jobs, logs, listen)
        found = cache.prune(rooms, 0)
        assert len(found.held) == 1 and not found.removed
        return outcomes

    monkeypatch.setattr(here.rows, "run", pruned)
    monkeypatch.setattr(here, "run", pruned)
    assert not run(plan_jobs.plan(("AAA",), candles), artifacts=tmp_path, engine=here).failures


def test_a_failure_takes_no_other_symbol_with_it(plan_jobs, candles, tmp_path, here):
    made = plan_jobs.plan(("BAD", "KILLED"), candles, seeds=(1,))
    result = run(made, artifacts=tmp_path, engine=Local(2))
    assert {name for name, state in states(result).items() if state == "failed"} == {
        "BAD-fast",
        "BAD-evaluate",
    }
    assert result.failures["BAD-fast"].exit_code == result.failures["BAD-evaluate"].exit_code == 5
    assert "BAD-fast failed" in result.failures["BAD-evaluate"].what
    assert result.summary["failures"]["BAD-fast"]["error"] == "the loss is not finite"
    assert (tmp_path / "begun" / "KILLED-1").read_text() == ".."  # its process was killed once


def test_rows_that_cannot_be_read_end_what_needs_them(
    plan_jobs, candles, tmp_path, here, monkeypatch
):
    def refused(jobs, _logs, _listen):
        return [Outcome(job.name, None, DataError("no such symbol"), 1.0) for job in jobs]

    monkeypatch.setattr(here.rows, "run", refused)
    result = run(plan_jobs.plan(("AAA",), candles), artifacts=tmp_path, engine=here)
    assert here.asked == []
    assert set(states(result).values()) == {"failed"}
    assert {error.exit_code for error in result.failures.values()} == {3}


def test_a_stop_is_passed_on_and_what_was_done_stays(
    plan_jobs, candles, tmp_path, here, monkeypatch
):
    def stopped(jobs, logs, listen):
        first, *others = Here.run(here, jobs, logs, listen)
        return [first, *(Outcome(o.name, None, StoppedError("stopped"), 0.0) for o in others)]

    made = plan_jobs.plan(("AAA",), candles, steps={"train": {}})
    with monkeypatch.context() as patch:
        patch.setattr(here, "run", stopped)
        with pytest.raises(StoppedError, match="1 of 2 jobs were done"):
            run(made, artifacts=tmp_path, engine=here)
    here.asked = []
    result = run(made, artifacts=tmp_path, engine=here)
    assert here.asked == []  # the other had come to its end as well
    assert set(states(result).values()) == {"was done"}


def test_two_cannot_carry_out_the_same_plan_at_once(plan_jobs, candles, tmp_path, here):
    made = plan_jobs.plan(("AAA",), candles)

    class Meanwhile(Here):
        def run(self, jobs, logs, listen):
            with pytest.raises(StorageError, match="another process is at this plan"):
                run(made, artifacts=tmp_path, engine=here)
            return super().run(jobs, logs, listen)

    assert not run(made, artifacts=tmp_path, engine=Meanwhile()).failures


def test_it_goes_on_after_its_own_process_was_killed(plan_jobs, candles, tmp_path, here):
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    words = [sys.executable, plan_jobs.__file__, str(tmp_path), str(candles)]
    begun = tmp_path / "begun"
    process = subprocess.Popen(words, env={**os.environ, "PYTHONPATH": paths})
    until = time.monotonic() + 60
    while not (begun / "SLOW-1").is_file() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (begun / "AAA-1").read_text() == "."
    made = plan_jobs.plan(("AAA", "SLOW"), candles, seeds=(1,), steps={"train": {}})
    again = run(made, artifacts=tmp_path, engine=Local(1))
    assert not again.failures
    assert (begun / "AAA-1").read_text() == "."  # done before, and not again
    assert (begun / "SLOW-1").read_text() == ".."


def test_what_happens_is_written_into_its_folder_each_time(plan_jobs, candles, tmp_path, here):
    made = plan_jobs.plan(("AAA",), candles, steps={"train": {}})
    for _ in range(2):
        result = run(made, artifacts=tmp_path, engine=here)
    records = list(event_log.read(result.path / event_log.NAME))
    began = [record for record in records if record["event"] == "Began"]
    assert [one["plan"] for one in began] == [made.name] * 2
    hashes = [node.recipe.config.sha256() for node in made.nodes.values() if node.recipe]
    assert set(began[0]["recipes"].values()) == set(hashes)
    said = [record["message"] for record in records if record["event"] == "Noted"]
    assert said[-1].endswith(f"{len(made.nodes)} of {len(made.nodes)} jobs are done")


def test_every_kind_of_work_has_a_job():
    from atb.config.plan import STEPS

    assert set(work.WORK) == set(STEPS) - {"data"}
