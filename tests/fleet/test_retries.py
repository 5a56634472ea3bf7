"""A job whose process failed it is begun again; whatever kills it, nobody else is touched."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from atb.errors import (
    AtbError,
    DataError,
    NotBegunError,
    ResourceError,
    SourceUnavailableError,
    StoppedError,
)
from atb.events import JobBegan, JobEnded, JobRetried, Memory, Noted, Progress, Within
from atb.fleet import scheduler
from atb.fleet.job import Job
from atb.fleet.policy import Limits, Policy
from atb.fleet.queue import Queue
from atb.fleet.scheduler import run

MIB = 1 << 20
QUICK = Policy(attempts=2, pause_seconds=0.01, silent_seconds=1.5)


@pytest.fixture(autouse=True)
def watchful(monkeypatch):
    """Looks at processes often."""
    monkeypatch.setattr(scheduler, "WATCH_SECONDS", 0.2)


@pytest.fixture
def failing(jobs, tmp_path):
    """A job that fails in some way, the first time or always."""

    def made(how, function="fail_first", **settings):
        arguments = {"folder": str(tmp_path), "name": how, "how": how}
        return Job(how, getattr(jobs, function), arguments, **settings)

    return made


def test_what_may_pass_is_tried_again_and_what_was_said_is_final(failing, tmp_path):
    passing = ["unreachable", "refused memory", "kill", "segfault", "hang", "halt"]
    told = []
    asked = [failing(how) for how in [*passing, "data"]]
    outcomes = {
        one.name: one for one in run(asked, Limits(4), tmp_path / "logs", told.append, QUICK)
    }
    assert {name: outcomes[name].value for name in passing} == dict.fromkeys(passing, 2)
    assert {outcomes[name].attempts for name in passing} == {2}
    assert type(outcomes["data"].error) is DataError
    assert outcomes["data"].attempts == 1
    assert {event.job for event in told if isinstance(event, JobRetried)} == set(passing)
    begun = [event for event in told if isinstance(event, JobBegan)]
    assert sorted(event.job for event in begun) == sorted([*passing, *passing, "data"])
    assert {event.attempt for event in begun if event.job == "kill"} == {1, 2}
    assert outcomes["hang"].seconds > QUICK.silent_seconds
    assert {path.stem for path in (tmp_path / "logs").iterdir()} == {"data"}


def test_a_job_pauses_longer_before_each_attempt_and_is_given_up(failing, tmp_path, monkeypatch):
    told, pauses, put_back = [], [], Queue.put_back

    def noted(queue, task):
        pauses.append(task.not_before - time.monotonic())
        put_back(queue, task)

    monkeypatch.setattr(Queue, "put_back", noted)
    policy = Policy(attempts=3, pause_seconds=0.2)
    asked = [failing("unreachable", "fail_always")]
    (outcome,) = run(asked, Limits(1), tmp_path / "logs", told.append, policy)
    assert type(outcome.error) is SourceUnavailableError
    assert outcome.attempts == 3
    kinds = [type(event) for event in told if isinstance(event, JobBegan | JobRetried | JobEnded)]
    assert kinds == [JobBegan, JobRetried, JobBegan, JobRetried, JobBegan, JobEnded]
    assert 0 < pauses[0] <= 0.2 < pauses[1] <= 0.4
    first, second, third = sorted(p.stat().st_mtime for p in (tmp_path / "unreachable").iterdir())
    assert second - first >= 0.2
    assert third - second >= 0.4


def test_a_wish_to_stop_ends_the_pause(failing, tmp_path):
    def listen(event):
        if isinstance(event, JobRetried):
            os.kill(os.getpid(), signal.SIGINT)

    policy = Policy(pause_seconds=600)
    (outcome,) = run([failing("unreachable")], Limits(1), tmp_path / "logs", listen, policy)
    assert (type(outcome.error), outcome.attempts) == (StoppedError, 1)


def test_what_fails_while_all_stop_is_not_begun_again(jobs, tmp_path):
    def listen(event):
        if event == Within("source", Noted("at work")):
            os.kill(os.getpid(), signal.SIGINT)

    asked = [Job("source", jobs.fail_when_asked_to_stop)]
    (outcome,) = run(asked, Limits(1), tmp_path / "logs", listen, QUICK)
    assert (type(outcome.error), outcome.attempts) == (SourceUnavailableError, 1)


def test_one_that_talks_or_works_does_not_hang(jobs, tmp_path):
    asked = [
        Job("works", jobs.slow_and_silent, {"seconds": 1.0}),
        Job("talks", jobs.talk_now_and_then, {"seconds": 1.0}),
    ]
    outcomes = run(asked, Limits(2), tmp_path, policy=Policy(silent_seconds=0.7))
    assert [(one.error, one.attempts) for one in outcomes] == [(None, 1), (None, 1)]


def test_memory_is_told_and_kept_and_who_takes_too_much_is_tried_alone(failing, jobs, tmp_path):
    go = tmp_path / "go"
    beside = Job("beside", jobs.wait_for, {"path": str(go)}, memory=40 * MIB)
    told = []

    def listen(event):
        told.append(event)
        if isinstance(event, JobRetried):
            go.touch()

    asked = [failing("hoard", "fail_always", memory=40 * MIB), beside]
    limits = Limits(2, memory=150 * MIB)
    hoard, calm = run(asked, limits, tmp_path / "logs", listen, QUICK)
    assert (calm.error, calm.attempts) == (None, 1)
    (retried,) = [event for event in told if isinstance(event, JobRetried)]
    assert "where 0.12 GiB were allowed, and was killed" in retried.problem
    assert type(hoard.error) is ResourceError
    assert "where 0.15 GiB were allowed, and was killed" in hoard.error.what
    assert (hoard.attempts, hoard.memory > 150 * MIB) == (2, True)
    ended = told.index(JobEnded("beside", calm.seconds, ""))
    assert ended < told.index(JobBegan("hoard", 2))
    held = [event.event.bytes for event in told if isinstance(event, Within)]
    assert {type(event.event) for event in told if isinstance(event, Within)} == {Memory}
    assert max(held) == hoard.memory


def test_nobody_is_killed_for_memory_where_the_policy_says_so(jobs, tmp_path):
    go, seen = tmp_path / "go", set()

    def listen(event):
        match event:
            case Within(name, Memory(size)) if size > 150 * MIB:
                seen.add(name)
        if seen == {"a", "b"}:
            go.touch()

    asked = [Job(name, jobs.hold_until, {"path": str(go)}, memory=MIB) for name in "ab"]
    policy = Policy(over_memory=None)
    for outcome in run(asked, Limits(2), tmp_path / "logs", listen, policy):
        assert (outcome.error, outcome.attempts) == (None, 1)
        assert outcome.memory > 150 * MIB


def test_those_that_need_a_failed_job_say_so_and_others_go_on(failing, jobs, tmp_path):
    told = []
    asked = [
        Job("last", jobs.double, {"number": 1}, needs=("middle",)),
        Job("middle", jobs.double, {"number": 1}, needs=("data",)),
        failing("data"),
        Job("free", jobs.double, {"number": 1}),
        Job("after", jobs.double, {"number": 2}, needs=("free",)),
    ]
    outcomes = {one.name: one for one in run(asked, Limits(2), tmp_path / "logs", told.append)}
    assert (outcomes["free"].value, outcomes["after"].value) == (2, 4)
    for name in ("last", "middle"):
        error = outcomes[name].error
        assert (type(error), error.exit_code) == (NotBegunError, DataError.exit_code)
        assert outcomes[name].attempts == 0
        assert JobEnded(name, 0.0, "not begun: data failed; mend what stopped data") in told
    assert Progress("jobs", 5, 5) in told
    assert told.index(Within("after", Noted("doubling 2"))) > told.index(JobBegan("after", 1))


def test_numeric_libraries_take_the_threads_of_the_job(jobs, tmp_path):
    asked = [
        Job("one", jobs.count_threads),
        Job("two", jobs.count_threads, cores=2),
    ]
    outcomes = run(asked, Limits(2), tmp_path)
    assert [one.value for one in outcomes] == [(False, {1}), (False, {2})]
    assert "OMP_NUM_THREADS" not in os.environ


@pytest.mark.parametrize("how", ["at its end", "kill", "data"])
def test_what_a_job_began_and_forgot_ends_with_it(jobs, tmp_path, alive, until, how):
    job = Job(how, jobs.leave_a_child, {"folder": str(tmp_path), "name": how})
    run([job], Limits(1), tmp_path / "logs", policy=Policy(attempts=1))
    until(lambda: not alive((tmp_path / f"{how}.pid").read_text()))


PARENT = """
import sys
from pathlib import Path
import fleet_jobs
from atb.fleet.job import Job
from atb.fleet.policy import Limits
from atb.fleet.scheduler import run
folder = sys.argv[1]
if __name__ == "__main__":
    deaf = Job("deaf", fleet_jobs.never_end, {"folder": folder})
    run([deaf], Limits(1), Path(folder))
"""


def test_a_job_that_hears_no_wish_to_stop_does_not_outlive_a_killed_parent(
    jobs, tmp_path, alive, until
):
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], env={**os.environ, "PYTHONPATH": path}
    )
    until((tmp_path / "deaf.pid").exists)
    parent.kill()
    parent.wait()
    until(lambda: not alive((tmp_path / "deaf.pid").read_text()))


def test_of_fifty_jobs_five_crash_and_nobody_else_notices(failing, jobs, tmp_path):
    crashes = ["data", "kill", "segfault", "hang", "hoard"]
    asked = [Job(f"{n}", jobs.double, {"number": n}, memory=40 * MIB) for n in range(45)]
    for place, how in enumerate(crashes):
        asked.insert(10 * place, failing(how, "fail_always", memory=40 * MIB))
    logs, limits = tmp_path / "logs", Limits(4, memory=150 * MIB)
    told = []
    outcomes = {one.name: one for one in run(asked, limits, logs, told.append, QUICK)}
    values = {name: one.value for name, one in outcomes.items() if one.error is None}
    assert values == {f"{n}": 2 * n for n in range(45)}
    assert {one.attempts for name, one in outcomes.items() if name in values} == {1}
    reports = {name: str(one.error) for name, one in outcomes.items() if one.error is not None}
    assert reports["data"] == "3 rows"
    assert "killed (SIGKILL)" in reports["kill"]
    assert "crashed (SIGSEGV)" in reports["segfault"]
    assert "took no processor time" in reports["hang"]
    assert "GiB were allowed" in reports["hoard"]
    assert all(isinstance(outcomes[name].error, AtbError) for name in crashes)
    assert "Segmentation fault" in (logs / "segfault.log").read_text()
    assert {path.stem for path in logs.iterdir()} == set(crashes) == set(reports)
    assert [event for event in told if isinstance(event, Progress)][-1] == Progress("jobs", 50, 50)
    mine = [one.cmdline() for one in psutil.Process().children(recursive=True)]
    assert not [line for line in mine if "spawn_main" in str(line)]
