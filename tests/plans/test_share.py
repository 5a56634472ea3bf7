"""A shared place: what is brought is what was sent, or nothing is."""

from __future__ import annotations

import uuid
from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from atb.clock import HOUR_MS, parse_time
from atb.config.data import CandleData
from atb.errors import IntegrityError, ResourceError, StorageError, UsageError
from atb.market import histories
from atb.market.sample import simulate
from atb.plans import done
from atb.plans.share import Share
from atb.registry import integrity, store
from atb.workspace import Workspace

KEY = "a" * 64
START = parse_time("2024-01-01")


@pytest.fixture
def share():
    return Share.at(f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def mine(tmp_path):
    """Where a model and an output are done, the model under `KEY`."""
    workspace = Workspace(tmp_path / "mine")
    writers = {name: lambda path: path.write_text(path.name) for name in ("a.txt", "b.txt")}
    version = store.add(workspace, "AAA", "fast", "20240101T000000Z-1", writers)
    done.write(workspace, KEY, {**done.of_model(version), "recipe": "fast"})
    return workspace


@pytest.fixture
def theirs(tmp_path):
    return Workspace(tmp_path / "theirs")


def inside(share):
    """The files of a shared place by name, and the file system."""
    system, root = fsspec.core.url_to_fs(share.url)
    return system, {path.removeprefix(f"{root}/"): path for path in system.find(root)}


def damage(share, name):
    """Change one byte, and no size."""
    system, files = inside(share)
    content = bytearray(system.cat_file(files[name]))
    content[-1] ^= 1
    system.pipe_file(files[name], bytes(content))


def left_in(workspace):
    """Everything that is there but locks."""
    return {path.name for path in workspace.root.rglob("[!.]*") if path.is_file()}


@pytest.mark.parametrize("url", ["memory://{}", "file://{}", "{}"])
def test_a_model_comes_as_it_went(url, mine, theirs, tmp_path):
    share = Share.at(url.format(tmp_path / "place"))
    assert not share.has_done(KEY)
    share.send_done(mine, KEY)
    assert share.has_done(KEY)
    record = share.bring_done(theirs, KEY)
    assert record == done.read(mine, KEY) == done.read(theirs, KEY)
    version = done.model(theirs, record)
    assert set(integrity.verify(version.path)) == {"a.txt", "b.txt"}
    assert (version.path / "b.txt").read_text() == "b.txt"
    assert store.find(theirs, "AAA/fast").version == version.version
    assert not (theirs.root / "incoming").exists()


@pytest.mark.parametrize("count", range(3))
def test_what_was_sent_in_part_is_not_there(share, mine, theirs, monkeypatch, count):
    put, sent = MemoryFileSystem.put_file, []

    def refuse(self, source, target, **more):
        if len(sent) == count:
            raise OSError(28, "No space left on device")
        sent.append(Path(target).name)
        put(self, source, target, **more)

    with monkeypatch.context() as changed:
        changed.setattr(MemoryFileSystem, "put_file", refuse)
        with pytest.raises(StorageError, match=r"the shared place refuses \(No space left"):
            share.send_done(mine, KEY)
    assert sent == ["a.txt", "b.txt", "manifest.json"][:count]
    assert not share.has_done(KEY)
    with pytest.raises(IntegrityError, match="it was never sent there"):
        share.bring_done(theirs, KEY)
    assert not left_in(theirs)
    share.send_done(mine, KEY)
    assert share.bring_done(theirs, KEY) == done.read(mine, KEY)


NAMES = [f"models/AAA/fast/20240101T000000Z-1/{n}" for n in ("a.txt", "b.txt", "manifest.json")]


@pytest.mark.parametrize("name", [*NAMES, f"sent/done/{KEY}.json"])
@pytest.mark.parametrize("how", ["changed", "cut", "removed"])
def test_what_is_damaged_there_is_not_added_here(share, mine, theirs, name, how):
    share.send_done(mine, KEY)
    system, files = inside(share)
    if how == "changed":
        damage(share, name)
    elif how == "cut":
        system.pipe_file(files[name], system.cat_file(files[name])[:-1])
    else:
        system.rm_file(files[name])
    with pytest.raises(IntegrityError, match=name) as caught:
        share.bring_done(theirs, KEY)
    assert "give the same command again" in str(caught.value)
    assert not left_in(theirs)


def test_numbers_of_a_damaged_record_are_not_believed(share, mine, theirs):
    done.write(mine, KEY, {"result": {"skill": 0.25}})
    share.send_done(mine, KEY)
    system, files = inside(share)
    (document,) = files.values()
    system.pipe_file(document, system.cat_file(document).replace(b"0.25", b"0.75"))
    with pytest.raises(IntegrityError, match="its SHA-256 is another one"):
        share.bring_done(theirs, KEY)


def test_an_output_comes_too(share, mine, theirs):
    made = mine.root / "studies" / "one" / "tuned.yaml"
    made.parent.mkdir(parents=True)
    made.write_text("window: 30\n")
    done.write(mine, KEY, {"output": "studies/one/tuned.yaml"})
    share.send_done(mine, KEY)
    share.bring_done(theirs, KEY)
    assert (theirs.root / "studies/one/tuned.yaml").read_text() == "window: 30\n"


def test_no_file_leaves_the_root(share, mine, theirs):
    (mine.root.parent / "outside").write_text("x")
    done.write(mine, KEY, {"output": "../outside"})
    share.send_done(mine, KEY)
    with pytest.raises(IntegrityError, match="it leads out of the place"):
        share.bring_done(theirs, KEY)


def test_rows_are_sent_once_and_again_when_they_are_gone_or_cut(share, mine, theirs):
    rows = simulate("AAA", "1h", START, START + 50 * HOUR_MS, seed=1)
    sha256 = histories.keep(mine, rows)
    share.send_rows(mine, sha256)
    system, files = inside(share)
    place = files[f"cache/histories/{sha256}.parquet"]
    system.pipe_file(place, bytes(system.size(place)))
    share.send_rows(mine, sha256)
    with pytest.raises(IntegrityError, match=f"{sha256}.parquet: it has .* were sent; remove it"):
        share.bring_rows(theirs, sha256)  # not sent again: it seemed to be there
    for lose in (system.rm_file, lambda path: system.pipe_file(path, b"PAR1")):
        lose(place)
        share.send_rows(mine, sha256)
    share.bring_rows(theirs, sha256)
    data = CandleData(timeframe="1h")
    assert histories.read(theirs, sha256, "AAA", data).sha256() == sha256


def test_a_model_that_no_plan_made(share, mine, theirs):
    (version,) = store.versions(mine)
    share.send_model(version)
    for _ in range(2):
        share.bring_model(theirs, version.reference)
    assert [one.reference for one in store.versions(theirs)] == [version.reference]


def test_places_that_cannot_be_meant(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match="--share nowhere://x: Protocol not known"):
        Share.at("nowhere://x")
    with pytest.raises(ResourceError, match="lakefs://x: no library here opens it"):
        Share.at("lakefs://x")
    monkeypatch.chdir(tmp_path)
    assert Share.at("place").url == str(tmp_path / "place")
