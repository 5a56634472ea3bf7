"""What a worker does with a job, with a root of its own and a shared place."""

from __future__ import annotations

import tempfile
import uuid

import pytest

from atb import atomic
from atb.errors import DataError, IntegrityError, StoppedError
from atb.events import silent
from atb.plans import done, guest
from atb.plans.share import Share
from atb.registry import store
from atb.workspace import Workspace

KEY, OTHER = "a" * 64, "b" * 64


@pytest.fixture
def share(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    return Share.at(f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def begun():
    """The roots in which `train` was called."""
    train.roots.clear()
    return train.roots


def train(artifacts, key, listen, fails=None):
    """Leave a model; raise what it is told to, once."""
    train.roots.append(artifacts)
    assert artifacts.stat().st_mode & 0o777 == 0o700
    if fails is not None and len(train.roots) == 1:
        (artifacts / "checkpoint").touch()
        raise fails
    writers = {"a.txt": lambda path: path.write_text(f"{len(train.roots)}")}
    made = store.add(Workspace(artifacts), "AAA", "fast", "20240101T000000Z-1", writers)
    record = done.of_model(made)
    done.write(Workspace(artifacts), key, record)
    return record


train.roots = []


def count(models, artifacts, key, listen):
    """Tell what is in the models."""
    workspace = Workspace(artifacts)
    read = [done.model(workspace, done.read(workspace, one)).path for one in models.values()]
    record = {"result": [(path / "a.txt").read_text() for path in read]}
    done.write(workspace, key, record)
    return record


def told(**more):
    return {"artifacts": "elsewhere", "key": KEY, **more}


def test_what_is_made_is_sent_and_nothing_stays(share, begun, tmp_path):
    record = guest.carry_out(share, train, told(), silent)
    assert len(begun) == 1 and not begun[0].exists()
    theirs = Workspace(tmp_path / "theirs")
    assert share.bring_done(theirs, KEY) == record
    models = {"AAA-fast": KEY}
    counted = guest.carry_out(share, count, told(models=models, key=OTHER), silent)
    assert counted == {"result": ["1"]}
    assert share.bring_done(theirs, OTHER) == counted
    assert not list(guest.scratch().iterdir())


def test_what_was_done_by_another_is_not_done_again(share, begun):
    first = guest.carry_out(share, train, told(), silent)
    assert guest.carry_out(share, train, told(), silent) == first
    assert len(begun) == 1


def test_what_is_damaged_is_done_again(share, begun, tmp_path):
    guest.carry_out(share, train, told(), silent)
    with share._at("models/AAA/fast/20240101T000000Z-1/a.txt") as (system, remote):
        system.pipe_file(remote, b"7")
    said = []
    record = guest.carry_out(share, train, told(), said.append)
    assert len(begun) == 2
    assert "done again" in said[0].message and "a.txt: it has 1 bytes" in said[0].message
    theirs = Workspace(tmp_path / "theirs")
    assert share.bring_done(theirs, KEY) == record
    assert (done.model(theirs, record).path / "a.txt").read_text() == "2"


def test_one_that_was_stopped_goes_on_where_it_was(share, begun):
    with pytest.raises(StoppedError):
        guest.carry_out(share, train, told(fails=StoppedError("stopped")), silent)
    assert (begun[0] / "checkpoint").exists() and not share.has_done(KEY)
    guest.carry_out(share, train, told(), silent)
    assert begun[0] == begun[1] and not begun[0].exists()


def test_one_that_failed_leaves_nothing(share, begun):
    with pytest.raises(DataError):
        guest.carry_out(share, train, told(fails=DataError("no rows")), silent)
    assert not begun[0].exists() and not share.has_done(KEY)


def test_one_that_was_killed_before_it_had_sent(share, begun, monkeypatch):
    with monkeypatch.context() as changed:
        changed.setattr(Share, "send_done", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            guest.carry_out(share, train, told(), silent)
    assert not share.has_done(KEY)
    guest.carry_out(share, train, told(), silent)
    assert len(begun) == 1 and share.has_done(KEY)


def test_what_a_killed_worker_left_is_cleared_when_another_has_done_it(share, begun, monkeypatch):
    stop = told(fails=StoppedError("stopped"))
    with pytest.raises(StoppedError):
        guest.carry_out(share, train, stop, silent)
    (left,) = guest.scratch().iterdir()
    guest.carry_out(share, train, told(key=OTHER), silent)
    assert left.exists()  # it may be gone on with
    with monkeypatch.context() as changed:
        changed.setattr(tempfile, "tempdir", f"{tempfile.tempdir}-of-another")
        guest.carry_out(share, train, told(), silent)
    with atomic.locked(left / guest.LOCK):
        guest.carry_out(share, train, told(key=OTHER), silent)
        assert left.exists()
    guest.carry_out(share, train, told(key=OTHER), silent)
    assert not left.exists()


def test_models_that_were_never_sent(share, begun):
    with pytest.raises(IntegrityError, match="it was never sent there"):
        guest.carry_out(share, count, told(models={"AAA-fast": OTHER}), silent)
