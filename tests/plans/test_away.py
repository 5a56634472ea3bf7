"""Plans on machines that share a place alone: carried out with cheap work and workers of here."""

from __future__ import annotations

import tempfile
import uuid

import pytest

from atb.clock import HOUR_MS, parse_time
from atb.errors import AtbError, IntegrityError, NotBegunError, StoppedError, UsageError
from atb.events import JobEnded, silent
from atb.fleet.job import Job, Outcome
from atb.market import files
from atb.market.sample import simulate
from atb.plans import away, done, guest, jobs
from atb.plans.run import run
from atb.plans.share import Share
from atb.registry import integrity, store
from atb.workspace import Workspace

TRAINED = ["AAA-fast-1", "AAA-fast-2"]


class Workers:
    """Carry out jobs in this process, and tell of each end as an engine does."""

    name = "workers"

    def __init__(self):
        self.asked = []

    def run(self, jobs, logs, listen):
        self.asked = [job.name for job in jobs]
        return [self._end(job, listen) for job in jobs]

    def _end(self, job, listen):
        try:
            value, error = job.function(**job.arguments, listen=listen), None
        except AtbError as raised:
            value, error = None, raised
        listen(JobEnded(job.name, 1.0, str(error or "")))
        return Outcome(job.name, value, error, 1.0)


@pytest.fixture(scope="module")
def candles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("candles")
    start = parse_time("2024-01-01")
    for symbol in ("AAA", "BAD"):
        made = simulate(symbol, "1h", start, start + 50 * HOUR_MS, seed=1)
        files.write(made, folder / f"{symbol}_1h.parquet")
    return folder


@pytest.fixture
def here(monkeypatch):
    """Who carries out what stays here, rows first."""
    found = Workers()
    monkeypatch.setattr("atb.fleet.engines.local.connect", lambda _at_once, _address: found)
    return found


@pytest.fixture
def elsewhere(monkeypatch, tmp_path, here):
    """Workers elsewhere; every one of them sees the shared place and folders of its own."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    share = Share.at(f"memory://{uuid.uuid4().hex}")
    return away.Away(Workers(), share, Workspace(tmp_path / "art"))


def states(result):
    return {one["name"]: one["state"] for one in result.summary["jobs"]}


def test_a_plan_comes_home_whole(plan_jobs, candles, tmp_path, elsewhere, here):
    made = plan_jobs.plan(("AAA",), candles)
    result = run(made, artifacts=tmp_path / "art", engine=elsewhere)
    assert not result.failures and set(states(result).values()) == {"done"}
    assert here.asked == ["AAA-data"]
    assert elsewhere._engine.asked == [*TRAINED, "AAA-evaluate"]
    workspace = Workspace(tmp_path / "art")
    assert not (workspace.root / "begun").exists()  # nothing was trained here
    versions = store.versions(workspace)
    assert len(versions) == 2 and all(integrity.verify(one.path) for one in versions)
    again = run(made, artifacts=tmp_path / "art", engine=elsewhere)
    assert set(states(again).values()) == {"was done"}
    assert not list(guest.scratch().iterdir())


def test_what_was_made_while_nobody_was_here_is_brought(plan_jobs, candles, tmp_path, elsewhere):
    made = plan_jobs.plan(("AAA",), candles)
    run(made, artifacts=tmp_path / "art", engine=elsewhere)
    second = away.Away(Workers(), elsewhere._share, Workspace(tmp_path / "other"))
    said = []
    result = run(made, artifacts=tmp_path / "other", engine=second, listen=said.append)
    assert set(states(result).values()) == {"done"}
    assert not [one for one in said if getattr(one, "message", "") == "fast of AAA"]
    first, other = (Workspace(tmp_path / name) for name in ("art", "other"))
    of = [[one.reference for one in store.versions(each)] for each in (first, other)]
    assert of[0] == of[1]


def test_what_is_damaged_on_the_way_fails_and_is_done_again(
    plan_jobs, candles, tmp_path, elsewhere, monkeypatch
):
    made = plan_jobs.plan(("AAA",), candles, steps={"train": {}})
    send = Share.send_done

    def damaged(share, workspace, key):
        send(share, workspace, key)
        model = done.read(workspace, key)["model"]
        with share._at(f"models/{model}/rows.txt") as (system, remote):
            system.pipe_file(remote, b"other rows")

    with monkeypatch.context() as changed:
        changed.setattr(Share, "send_done", damaged)
        said = []
        result = run(made, artifacts=tmp_path / "art", engine=elsewhere, listen=said.append)
    assert set(result.failures) == set(TRAINED)
    assert all(isinstance(error, IntegrityError) for error in result.failures.values())
    assert "rows.txt: it has 10 bytes" in str(result.failures[TRAINED[0]])
    ends = [one for one in said if isinstance(one, JobEnded) and one.job == TRAINED[0]]
    assert "rows.txt: it has 10 bytes" in ends[0].problem
    assert not store.versions(Workspace(tmp_path / "art"))
    result = run(made, artifacts=tmp_path / "art", engine=elsewhere)
    assert not result.failures and len(store.versions(Workspace(tmp_path / "art"))) == 2


def test_some_work_stays_here(plan_jobs, candles, tmp_path, elsewhere, here, monkeypatch):
    monkeypatch.setattr(away, "STAYING", frozenset({plan_jobs.evaluate}))
    made = plan_jobs.plan(("AAA", "BAD"), candles, seeds=(1,))
    result = run(made, artifacts=tmp_path / "art", engine=elsewhere)
    assert elsewhere._engine.asked == ["AAA-fast", "BAD-fast"]
    assert here.asked == ["AAA-evaluate"]
    assert states(result)["AAA-evaluate"] == "done"
    assert isinstance(result.failures["BAD-evaluate"], NotBegunError)


def test_models_of_an_earlier_plan_are_sent(plan_jobs, candles, tmp_path, elsewhere, here):
    workspace = tmp_path / "art"
    run(plan_jobs.plan(("AAA",), candles, steps={"train": {}}), artifacts=workspace, engine=here)
    result = run(plan_jobs.plan(("AAA",), candles), artifacts=workspace, engine=elsewhere)
    assert elsewhere._engine.asked == ["AAA-evaluate"]
    assert not result.failures


def test_the_model_that_a_training_begins_with_is_sent(plan_jobs, candles, tmp_path, elsewhere):
    parent = store.add(
        Workspace(tmp_path / "art"), "AAA", "old", "20240101T000000Z-1", {"a": _touch}
    )
    (node,) = plan_jobs.plan(("AAA",), candles, (1,), {"train": {}}).of_kind("train")
    config = node.recipe.config.model_copy(update={"warm_start": "AAA/old"})
    sent = elsewhere._packed(Job("one", jobs.train, {"config": config, "key": "c" * 64}))
    assert sent.arguments["arguments"]["config"].warm_start == parent.reference
    theirs = Workspace(tmp_path / "theirs")
    guest._bring_what_it_reads(elsewhere._share, theirs, sent.arguments["arguments"])
    assert [one.reference for one in store.versions(theirs)] == [parent.reference]


def _touch(path):
    path.touch()


def test_nothing_is_begun_here_once_all_stop(elsewhere, here, tmp_path, monkeypatch):
    def stop(**_arguments):
        raise StoppedError("stopped")

    monkeypatch.setattr(away, "STAYING", frozenset({_touch}))
    asked = [
        Job("stopped", stop, {"key": "a" * 64}),
        Job("here", _touch, {"key": "b" * 64}),
        Job("after", _touch, {"key": "c" * 64}, needs=("stopped",)),
    ]
    outcomes = elsewhere.run(asked, tmp_path, silent)
    assert [one.name for one in outcomes] == ["stopped", "here", "after"]
    assert all(isinstance(one.error, StoppedError) for one in outcomes)
    assert here.asked == []


def test_places_that_go_with_nothing(tmp_path):
    with pytest.raises(
        UsageError, match=r"the local engine works in .*so 's3://b' cannot be meant"
    ):
        away.connect("local", None, None, "s3://b", tmp_path)
    with pytest.raises(UsageError, match="these are the artifacts themselves"):
        away.connect("dask", None, "tcp://127.0.0.1:1", str(tmp_path), tmp_path)
