"""Jobs run side by side; whatever happens to one happens to it alone, and none is left behind."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from atb.errors import AtbError, DataError, ResourceError, StoppedError
from atb.events import JobEnded, Noted, Progress, Within
from atb.fleet.job import Job
from atb.fleet.policy import Limits, Policy
from atb.fleet.scheduler import STOPPING, run

PARENT = """
import sys
from pathlib import Path
import fleet_jobs
from atb.fleet.job import Job
from atb.fleet.policy import Limits, Policy
from atb.fleet.scheduler import run
folder = sys.argv[1]
if __name__ == "__main__":
    jobs = [Job(n, fleet_jobs.train, {"folder": folder, "name": n}) for n in "ab"]
    run(jobs, Limits(2), Path(folder))
"""


def test_each_outcome_is_its_own(jobs, tmp_path):
    told = []
    asked = [
        Job("six", jobs.double, {"number": 3}),
        Job("refused", jobs.refuse),
        Job("memory", jobs.out_of_memory),
        Job("bug", jobs.bug),
        Job("vanished", jobs.vanish, {"code": 0}),
        Job("exit", jobs.pollute),
        Job("killed", jobs.die, {"number": signal.SIGKILL}),
        Job("crashed", jobs.die, {"number": signal.SIGSEGV}),
        Job("within a word", jobs.die_talking),
        Job("talks", jobs.talk, {"lines": 50}),
        Job("eight", jobs.double, {"number": 4}),
    ]
    once = Policy(attempts=1)
    ended = run(asked, Limits(3), tmp_path / "logs", told.append, once)
    outcomes = {one.name: one for one in ended}
    assert list(outcomes) == [job.name for job in asked]
    values = {name: one.value for name, one in outcomes.items() if one.error is None}
    assert values == {"six": 6, "talks": None, "eight": 8}
    errors = {name: one.error for name, one in outcomes.items() if one.error is not None}
    assert type(errors["refused"]) is DataError
    assert str(errors["refused"]) == "book.csv: 3 rows; bring more"
    assert str(errors["memory"]) == "memory does not suffice; give a smaller --batch-size"
    assert errors["bug"].what.endswith("(exit code 1): KeyError: 'nothing of that name'")
    assert "(exit code 0)" in errors["vanished"].what
    assert errors["exit"].what == "its process died (exit code 3): to stderr"
    for name in ("killed", "within a word"):
        assert type(errors[name]) is ResourceError
        assert "SIGKILL" in errors[name].what
    assert "SIGSEGV" in errors["crashed"].what
    assert all(isinstance(error, AtbError) for error in errors.values())

    assert Within("six", Noted("doubling 3")) in told
    assert told.count(Within("talks", Noted("word" * 1000))) == 200
    ends = [event for event in told if isinstance(event, JobEnded)]
    assert {event.job: event.problem for event in ends} == {
        name: str(one.error or "") for name, one in outcomes.items()
    }
    assert all(event.seconds > 0 for event in ends)
    assert [e for e in told if isinstance(e, Progress)][-1] == Progress("jobs", 11, 11)
    kept = {path.stem for path in (tmp_path / "logs").iterdir()}
    assert kept == set(errors)


def test_they_begin_in_order_so_many_at_once(jobs, tmp_path):
    started = tmp_path / "started"
    started.mkdir()
    asked = [Job(n, jobs.note_start, {"folder": str(started), "name": n}) for n in "abc"]
    run(asked, Limits(1), tmp_path / "logs")
    found = sorted(path.name.split("-") for path in started.iterdir())
    assert [name for _, name in found] == ["a", "b", "c"]
    times = [float(moment) for moment, _ in found]
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.1


def test_an_interrupt_stops_all_and_they_save(jobs, tmp_path, alive, until):
    asked = [Job(n, jobs.train, {"folder": str(tmp_path), "name": n}) for n in "abc"]

    def interrupt():
        until(lambda: all((tmp_path / f"{n}.pid").exists() for n in "ab"))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    before = signal.getsignal(signal.SIGINT)
    told = []
    outcomes = run(asked, Limits(2), tmp_path / "logs", told.append)
    assert [str(one.error) for one in outcomes] == [
        "stopped after epoch 3; go on with: atb",
        "stopped after epoch 3; go on with: atb",
        "stopped before it began",
    ]
    assert all(isinstance(one.error, StoppedError) for one in outcomes)
    assert told.count(Noted(STOPPING)) == 1
    ends = [event for event in told if isinstance(event, JobEnded)]
    assert told.index(Noted(STOPPING)) < told.index(ends[0])
    assert [end.problem for end in ends] == ["stopped after epoch 3"] * 2
    assert [one for one in told if isinstance(one, Progress)] == [Progress("jobs", 0, 3)]
    assert sorted(path.stem for path in tmp_path.glob("*.saved")) == ["a", "b"]
    assert not any(alive(path.read_text()) for path in tmp_path.glob("*.pid"))
    assert signal.getsignal(signal.SIGINT) is before


EARLY = """
import os, signal, sys, threading
from pathlib import Path
import fleet_jobs
from atb.events import JobBegan
from atb.fleet.job import Job
from atb.fleet.policy import Limits
from atb.fleet.scheduler import run
def listen(event):
    if event == JobBegan("b", 1):
        threading.Timer(0.05, os.killpg, (0, signal.SIGINT)).start()
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = sys.argv[1]
    jobs = [Job(n, fleet_jobs.train, {"folder": folder, "name": n}) for n in "abc"]
    for outcome in run(jobs, Limits(2), Path(folder) / "logs", listen):
        print(type(outcome.error).__name__, outcome.attempts)
"""


def test_an_interrupt_from_the_terminal_reaches_no_process_that_only_begins(jobs, tmp_path):
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    ended = subprocess.run(
        [sys.executable, "-c", EARLY, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.splitlines() == ["StoppedError 1", "StoppedError 1", "StoppedError 0"]
    assert ended.stderr == ""


def test_a_second_interrupt_kills(jobs, tmp_path, interruptible, alive, until):
    def interrupt():
        until((tmp_path / "deaf.pid").exists)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        run(
            [Job("deaf", jobs.ignore_wishes, {"folder": str(tmp_path)})],
            Limits(1),
            tmp_path / "logs",
        )
    assert not alive((tmp_path / "deaf.pid").read_text())


def test_children_of_a_killed_parent_save_and_end(jobs, tmp_path, alive, until):
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)], env={**os.environ, "PYTHONPATH": path}
    )
    until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
    parent.kill()
    parent.wait()
    pids = [path.read_text() for path in tmp_path.glob("*.pid")]
    until(lambda: not any(alive(pid) for pid in pids))
    assert sorted(path.stem for path in tmp_path.glob("*.saved")) == ["a", "b"]


@pytest.mark.parametrize("error", [ZeroDivisionError, BrokenPipeError])
def test_a_listener_that_fails_leaves_no_process(jobs, tmp_path, alive, error):
    def listen(event):
        if isinstance(event, Within):
            raise error

    asked = [Job("a", jobs.train, {"folder": str(tmp_path), "name": "a"})]
    with pytest.raises(error):
        run(asked, Limits(1), tmp_path, listen)
    (pid,) = (path.read_text() for path in tmp_path.glob("*.pid"))
    assert not alive(pid)
