"""What engines with workers elsewhere have in common, without any of their libraries."""

from __future__ import annotations

import os
import signal

import pytest

from atb.errors import ConfigError, ResourceError, StoppedError
from atb.events import JobBegan, JobEnded, JobRetried, Noted, Progress, Within
from atb.fleet.engines import remote, task
from atb.fleet.engines.task import Errand, carry_out
from atb.fleet.job import Job, Outcome
from atb.fleet.policy import Policy


class Scripted:
    """A cluster that says, ticket by ticket, what it is told to say."""

    def __init__(self, script, interrupt=False):
        self.script, self.interrupt = script, interrupt
        self.given, self.stopped, self.said = [], False, []

    def begin(self, ticket, errand):
        self.given.append(errand.job.name)
        self.said += [(ticket, one) for one in self.script(errand.job.name)]

    def heard(self, seconds):
        if self.interrupt:
            self.interrupt = False
            os.kill(os.getpid(), signal.SIGINT)
        said, self.said = self.said, []
        return said

    def stop(self):
        self.stopped = True


def done(name):
    return [JobBegan(name, 1), Outcome(name, name.upper(), None, 1.0)]


def test_what_is_said_after_the_end_or_by_strangers_is_not_heard(tmp_path):
    def script(name):
        return [*done(name), Within(name, Noted("late")), Outcome(name, "again", None, 1.0)]

    cluster = Scripted(script)
    cluster.said = [("stranger", Outcome("a", "wrong", None, 1.0))]
    told = []
    (outcome,) = remote.Remote("test", cluster).run([Job("a", print)], tmp_path, told.append)
    assert outcome == Outcome("a", "A", None, 1.0, attempts=1)
    assert not [event for event in told if isinstance(event, Within)]


def test_a_job_begun_twice_lost_its_worker(tmp_path):
    cluster = Scripted(lambda name: [JobBegan(name, 1), JobBegan(name, 2), *done(name)])
    told = []
    (outcome,) = remote.Remote("test", cluster).run([Job("a", print)], tmp_path, told.append)
    assert outcome.attempts == 3
    assert told[:5] == [
        Progress("jobs", 0, 1),
        JobBegan("a", 1),
        JobBegan("a", 2),
        JobRetried("a", remote.VANISHED),
        JobBegan("a", 3),
    ]


def test_so_many_are_given_at_once(tmp_path):
    at_once, most = [], []

    def script(name):
        at_once.append(name)
        most.append(len(at_once))
        return done(name)

    cluster = Scripted(script)
    heard = cluster.heard

    def counting(seconds):
        at_once.clear()
        return heard(seconds)

    cluster.heard = counting
    jobs = [Job(name, print) for name in "abcde"]
    remote.Remote("test", cluster, 2).run(jobs, tmp_path, lambda _: None)
    assert cluster.given == list("abcde")
    assert max(most) == 2


def test_who_does_not_stop_in_time_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(remote, "SAVING_SECONDS", 0.0)
    cluster = Scripted(lambda name: [JobBegan(name, 1)], interrupt=True)
    told = []
    jobs = [Job("a", print), Job("b", print, needs=("a",))]
    a, b = remote.Remote("test", cluster).run(jobs, tmp_path, told.append)
    assert cluster.stopped
    assert cluster.given == ["a"]
    assert str(a.error) == "its worker did not stop in time"
    assert str(b.error) == "stopped before it began"
    assert isinstance(b.error, StoppedError)
    assert [event.job for event in told if isinstance(event, JobEnded)] == ["a"]


class Line:
    """A line to a test, which wants so many jobs to go on."""

    def __init__(self, wanted):
        self.left, self.told = wanted, []

    def tell(self, event):
        self.told.append(event)

    def wanted(self):
        self.left -= 1
        return self.left >= 0


@pytest.fixture
def errand(jobs, tmp_path):
    """A job whose host dies the first so many times it is begun."""

    def made(times, **others):
        arguments = {"folder": ".", "times": times}
        job = Job("orphan", jobs.kill_the_parent, arguments)
        return Errand(job, tmp_path / "logs", tmp_path, **others)

    return made


def test_a_worker_of_another_version_refuses(errand):
    line = Line(wanted=9)
    outcome = carry_out(errand(0, version="0.0.1"), line)
    assert (type(outcome.error), line.told) == (ConfigError, [])
    assert "0.0.1 asked it to" in str(outcome.error)


def test_a_job_that_nobody_wants_is_not_begun(errand):
    line = Line(wanted=0)
    outcome = carry_out(errand(0), line)
    assert (str(outcome.error), line.told) == ("stopped before it began", [])


def test_a_job_whose_host_is_killed_is_begun_again(errand, tmp_path):
    line = Line(wanted=99)
    outcome = carry_out(errand(1), line)
    assert (outcome.value, outcome.error) == (2, None)
    assert len(list((tmp_path / "killing").iterdir())) == 2  # where whoever asked works
    assert [event for event in line.told if isinstance(event, JobBegan)] == [
        JobBegan("orphan", 1)
    ] * 2


def test_a_job_that_kills_each_host_is_given_up(errand, monkeypatch):
    monkeypatch.setattr(task, "USUAL", Policy(attempts=2))
    outcome = carry_out(errand(9), Line(wanted=99))
    assert (type(outcome.error), outcome.attempts) == (ResourceError, 2)
    assert "the process that watched over it died" in str(outcome.error)
