"""Every engine does the same with the same jobs: here real ones, with workers of their own."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from atb.errors import AtbError, DataError, NotBegunError, ResourceError, StoppedError, UsageError
from atb.events import JobBegan, JobEnded, JobRetried, Noted, Progress, Within, silent
from atb.fleet.engines import names
from atb.fleet.job import Job
from atb.fleet.scheduler import STOPPING
from atb.plans import away, done
from atb.plans.share import Share
from atb.registry import integrity
from atb.workspace import Workspace

HERE = Path(__file__).parent
REMOTE = ("dask", "ray")


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@contextlib.contextmanager
def dask_cluster(folder):
    """A scheduler's address; its two workers are begun as `dask worker` does, with a nanny each."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    begin = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    local = ["--host", "127.0.0.1"]
    member = [sys.executable, "-m", "distributed.cli.dask_worker", address, *local]
    member += ["--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    commands = [[*begin, *local, "--port", str(port), "--no-dashboard"], member, member]
    with contextlib.ExitStack() as ended, (folder / "said").open("w") as said:
        for command in commands:
            process = subprocess.Popen(command, stderr=said, env={**os.environ})
            ended.callback(process.wait)
            ended.callback(process.terminate)
        yield address


@contextlib.contextmanager
def ray_of_this_machine():
    import ray

    yield None
    ray.shutdown()


@pytest.fixture(scope="module")
def jobs():
    """The module `engine_jobs`, here and wherever a process is begun from here."""
    with pytest.MonkeyPatch.context() as changed:
        changed.syspath_prepend(str(HERE))
        changed.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *sys.path]))
        changed.setenv("RAY_AUTH_MODE", "disabled")
        yield importlib.import_module("engine_jobs")


@pytest.fixture(scope="module")
def addresses(jobs, tmp_path_factory):
    with dask_cluster(tmp_path_factory.mktemp("dask")) as dask, ray_of_this_machine() as ray:
        yield {"local": None, "dask": dask, "ray": ray}


@pytest.fixture
def engine(request, addresses):
    return names.engine(request.param, 2, addresses[request.param])


@pytest.mark.parametrize("engine", names.NAMES, indirect=True)
def test_each_outcome_is_its_own(engine, jobs, tmp_path):
    told = []
    asked = [
        Job("six", jobs.double, {"number": 3}),
        Job("refused", jobs.refuse),
        Job("crashed", jobs.crash),
        Job("after", jobs.double, {"number": 4}, needs=("six",)),
        Job("never", jobs.double, {"number": 5}, needs=("refused",)),
    ]
    outcomes = engine.run(asked, tmp_path / "logs", told.append)
    assert [one.name for one in outcomes] == [job.name for job in asked]
    six, refused, crashed, after, never = outcomes
    assert (six.value, after.value) == (6, 8)
    assert [one.attempts for one in outcomes] == [1, 1, 1, 1, 0]
    assert type(refused.error) is DataError
    assert str(refused.error) == "book.csv: 3 rows; bring more"
    assert type(crashed.error) is AtbError
    assert "(exit code 3)" in str(crashed.error)
    assert type(never.error) is NotBegunError

    assert {event.job for event in told if isinstance(event, JobBegan)} == {
        "six", "refused", "crashed", "after",
    }  # fmt: skip
    within = [event.event for event in told if isinstance(event, Within) and event.job == "six"]
    assert [one for one in within if one in (Noted("doubling 3"), jobs.EPOCH)] == [
        Noted("doubling 3"),
        jobs.EPOCH,
    ]
    ends = {event.job: event.problem for event in told if isinstance(event, JobEnded)}
    assert ends == {one.name: str(one.error or "") for one in outcomes}
    assert [e for e in told if isinstance(e, Progress)][-1] == Progress("jobs", 5, 5)
    assert [path.name for path in (tmp_path / "logs").glob("crashed*")]


@pytest.mark.parametrize("engine", names.NAMES, indirect=True)
def test_jobs_of_one_name_and_another_run_are_done_again(engine, jobs, tmp_path):
    seen = [engine.run([Job("pid", jobs.process)], tmp_path, lambda _: None) for _ in range(2)]
    first, second = (one.value for (one,) in seen)
    assert first != second
    assert os.getpid() not in (first, second)


@pytest.mark.parametrize("engine", names.NAMES, indirect=True)
def test_an_interrupt_stops_all_and_they_save(engine, jobs, tmp_path):
    asked = [Job(n, jobs.train, {"folder": str(tmp_path), "name": n}) for n in "abc"]

    def interrupt():
        until(lambda: all((tmp_path / f"{n}.begun").exists() for n in "ab"))
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    told = []
    outcomes = engine.run(asked, tmp_path / "logs", told.append)
    assert [str(one.error) for one in outcomes] == [
        "stopped after epoch 3; go on with: atb",
        "stopped after epoch 3; go on with: atb",
        "stopped before it began",
    ]
    assert all(isinstance(one.error, StoppedError) for one in outcomes)
    assert told.count(Noted(STOPPING)) == 1
    assert [event for event in told if isinstance(event, Progress)] == [Progress("jobs", 0, 3)]
    assert sorted(path.stem for path in tmp_path.glob("*.saved")) == ["a", "b"]
    pids = [int(path.read_text()) for path in tmp_path.glob("*.begun")]
    assert not any(psutil.pid_exists(pid) for pid in pids)


@pytest.mark.parametrize("engine", REMOTE, indirect=True)
def test_a_job_whose_worker_is_killed_is_done_by_another(engine, jobs, tmp_path):
    first = tmp_path / "first"

    def kill():
        until(first.exists)
        os.kill(int(first.read_text().split()[1]), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    told = []
    asked = [
        Job("outlives", jobs.outlive, {"folder": str(tmp_path)}),
        Job("beside", jobs.double, {"number": 1}),
    ]
    outlives, beside = engine.run(asked, tmp_path / "logs", told.append)
    assert (outlives.value, outlives.error) == ("done by another worker", None)
    assert (beside.value, beside.attempts) == (2, 1)
    assert outlives.attempts == 2
    assert [event.job for event in told if isinstance(event, JobRetried)] == ["outlives"]
    begun = [event.attempt for event in told if event in (JobBegan("outlives", n) for n in (1, 2))]
    assert begun == [1, 2]
    killed = int(first.read_text().split()[0])
    until(lambda: not psutil.pid_exists(killed), 5)


@pytest.mark.parametrize("engine", ["ray"], indirect=True)
def test_what_a_lost_node_takes_of_ray_with_it_is_begun_again(engine, jobs, tmp_path):
    import ray

    def lose():
        until((tmp_path / "a.begun").exists)
        ray.kill(engine.cluster._mailbox, no_restart=False)
        (tmp_path / "go").touch()

    threading.Thread(target=lose, daemon=True).start()
    asked = [Job("a", jobs.wait_for_go, {"folder": str(tmp_path), "name": "a"})]
    (outcome,) = engine.run(asked, tmp_path / "logs", lambda _: None)
    assert (outcome.value, outcome.error) == ("gone", None)


@pytest.mark.parametrize("engine", ["ray"], indirect=True)
def test_a_lost_ray_is_said_and_jobs_stop(engine, jobs, tmp_path):
    import ray

    def lose():
        until((tmp_path / "a.begun").exists)
        ray.kill(engine.cluster._mailbox)

    threading.Thread(target=lose, daemon=True).start()
    asked = [Job("a", jobs.train, {"folder": str(tmp_path), "name": "a"})]
    with pytest.raises(ResourceError, match=r"Ray is gone \(.*give the same command again"):
        engine.run(asked, tmp_path / "logs", lambda _: None)
    until((tmp_path / "a.saved").exists)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["dask"], indirect=True)
def test_a_model_of_a_killed_worker_comes_from_another_by_a_shared_place(engine, jobs, tmp_path):
    leave = importlib.import_module("shared_jobs").leave
    share, home = Share.at(f"file://{tmp_path / 'place'}"), Workspace(tmp_path / "home")
    waiting, key = tmp_path / "waiting", "a" * 64

    def kill():
        until(waiting.exists, 120)  # a loaded machine begins slowly
        os.kill(int(waiting.read_text()), signal.SIGKILL)

    threading.Thread(target=kill, daemon=True).start()
    told = {"artifacts": home.root, "key": key, "others": str(tmp_path)}
    carrier = away.Away(engine, share, home)
    (outcome,) = carrier.run([Job("AAA-fast", leave, told)], tmp_path / "logs", silent)
    assert (outcome.error, outcome.attempts) == (None, 2)
    assert outcome.value == done.read(home, key)
    version = done.model(home, outcome.value)
    assert set(integrity.verify(version.path)) == {"root.txt"}
    root = Path((version.path / "root.txt").read_text())
    assert not root.is_relative_to(tmp_path) and not root.exists()


def test_names():
    with pytest.raises(UsageError, match=r"there is no engine 'dusk'.*did you mean 'dask'"):
        names.engine("dusk")
    with pytest.raises(UsageError, match=r"--address: no address of a Dask scheduler"):
        names.engine("dask")
    with pytest.raises(UsageError, match="the local engine has no address"):
        names.engine("local", 2, "tcp://127.0.0.1:1")


def test_nobody_answers(monkeypatch):
    dask = importlib.import_module("atb.fleet.engines.dask")
    monkeypatch.setattr(dask, "ANSWER_SECONDS", 0.5)
    with pytest.raises(ResourceError, match=r"tcp://127.0.0.1:1: no Dask scheduler answers"):
        names.engine("dask", 2, "tcp://127.0.0.1:1")


PARENT = """
import sys
from pathlib import Path
import engine_jobs
from atb.fleet.engines import names
from atb.fleet.job import Job
folder, address = sys.argv[1:]
if __name__ == "__main__":
    jobs = [Job(n, engine_jobs.train, {"folder": folder, "name": n}) for n in "ab"]
    outcomes = names.engine("dask", 2, address).run(jobs, Path(folder) / "logs", lambda _: None)
    sys.exit(outcomes[0].error.exit_code)
"""


@contextlib.contextmanager
def asked_by_another_process(folder, address):
    """A process that has two jobs under way on a cluster."""
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(folder), address])
    try:
        until(lambda: all((folder / f"{n}.begun").exists() for n in "ab"))
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_jobs_stop_when_who_asked_is_killed(addresses, tmp_path):
    with asked_by_another_process(tmp_path, addresses["dask"]) as process:
        process.kill()
        until(lambda: all((tmp_path / f"{n}.saved").exists() for n in "ab"))


@pytest.mark.slow
def test_a_lost_scheduler_is_said(jobs, tmp_path):
    with dask_cluster(tmp_path) as address, asked_by_another_process(tmp_path, address) as process:
        port = int(address.rpartition(":")[2])
        (scheduler,) = (
            one.pid
            for one in psutil.net_connections("tcp")
            if one.status == psutil.CONN_LISTEN and one.laddr.port == port
        )
        os.kill(scheduler, signal.SIGKILL)
        assert process.wait(60) == ResourceError.exit_code
