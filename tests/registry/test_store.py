"""Models are added whole or not at all, by one process or many, whatever happens in between."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from atb import atomic
from atb.errors import IntegrityError, StorageError, UsageError
from atb.registry import store
from atb.registry.integrity import verify
from atb.workspace import Workspace

STAMP = "20240131T120000Z"
PATH = ("BTCUSDT", "fast")

ADDING = """
import os, sys
from pathlib import Path
from atb.registry import store
from atb.workspace import Workspace

root, point, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
count = 0

def dying(call):
    def step(*words, **options):
        global count
        count += 1
        if count == point:
            os._exit(9)
        return call(*words, **options)
    return step

def write(path):
    path.write_bytes(b"half")
    path.write_bytes(os.urandom(1000))

if mode == "writer":
    write = dying(write)
else:
    os.fsync, Path.rename, Path.replace = map(dying, (os.fsync, Path.rename, Path.replace))
files = {f"file{number}.bin": write for number in range(4)}
store.add(Workspace(root), "BTCUSDT", "fast", "20240201T000000Z", files)
"""

MANY = """
import os, sys
from pathlib import Path
from atb.registry import store
from atb.workspace import Workspace

content = sys.argv[2].encode() * 100
for _ in range(10):
    files = {"model.onnx": lambda path: path.write_bytes(content)}
    print(store.add(Workspace(Path(sys.argv[1])), "BTCUSDT", "fast", sys.argv[3], files).version)
"""


def latest(workspace: Workspace) -> str:
    return json.loads((workspace.models(*PATH) / "latest.json").read_text())["version"]


def test_a_model_is_added_whole(workspace, writers):
    added = store.add(workspace, *PATH, STAMP, writers)
    assert added.path == workspace.root / "models" / "BTCUSDT" / "fast" / STAMP
    assert verify(added.path).keys() == writers.keys()
    assert latest(workspace) == added.version == STAMP
    assert store.versions(workspace) == [added]


def test_a_taken_name_gets_a_number(workspace, writers):
    names = [store.add(workspace, *PATH, STAMP, writers).version for _ in range(3)]
    assert names == [STAMP, f"{STAMP}-002", f"{STAMP}-003"]
    assert latest(workspace) == names[-1]
    assert [one.version for one in store.versions(workspace)] == names


def test_promotion_is_not_touched(workspace, writers, model):
    pointer = workspace.models(*PATH) / "promoted.json"
    pointer.write_text('{"version": "other"}')
    store.add(workspace, *PATH, STAMP, writers)
    assert pointer.read_text() == '{"version": "other"}'


@pytest.mark.parametrize(
    ("symbol", "name", "version"),
    [
        ("../up", "fast", STAMP),
        ("BTCUSDT", "../up", STAMP),
        ("BTCUSDT", "fast", "../up"),
        ("BTCUSDT", "fast", "latest.json"),
        ("BTCUSDT", "fast", ".tmp"),
        ("BTCUSDT", "fast", f"{STAMP}/x"),
        ("BTCUSDT", "fast", f"{STAMP}-X"),
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(workspace, writers, symbol, name, version):
    with pytest.raises(UsageError):
        store.add(workspace, symbol, name, version, writers)
    assert not workspace.root.exists()


def test_a_writer_that_fails_leaves_the_old_state(workspace, writers, model):
    def fail(path: Path) -> None:
        path.write_text("half")
        raise IntegrityError("Keras and ONNX disagree")

    before = sorted(workspace.root.rglob("*"))
    with pytest.raises(IntegrityError, match="disagree"):
        store.add(workspace, *PATH, STAMP, {**writers, "report.html": fail})
    assert sorted(workspace.root.rglob("*")) == before
    assert latest(workspace) == model.version


def test_a_full_disk_leaves_the_old_state(workspace, writers, model):
    resource = pytest.importorskip("resource")
    before = sorted(workspace.root.rglob("*"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(StorageError, match=os.strerror(errno.EFBIG)) as caught:
            store.add(workspace, *PATH, STAMP, writers)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.exit_code == 7
    assert sorted(workspace.root.rglob("*")) == before


@pytest.mark.parametrize("place", ["artifacts", "artifacts/models", "artifacts/models/BTCUSDT"])
def test_a_file_in_place_of_a_folder_is_a_storage_error(tmp_path: Path, writers, place):
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("x")
    with pytest.raises(StorageError, match="cannot write"):
        store.add(Workspace(tmp_path / "artifacts"), *PATH, STAMP, writers)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


def test_a_lock_that_cannot_be_taken_is_a_storage_error(workspace, writers):
    (workspace.models(*PATH) / ".lock").mkdir(parents=True)
    with pytest.raises(StorageError, match="cannot be locked"):
        store.add(workspace, *PATH, STAMP, writers)
    assert store.versions(workspace) == []


def test_a_lock_held_by_another_process_is_a_storage_error(workspace, writers, model, monkeypatch):
    from filelock import FileLock

    monkeypatch.setattr(atomic, "LOCK_SECONDS", 0.05)
    with (
        FileLock(workspace.models(*PATH) / ".lock"),
        pytest.raises(StorageError, match="wait for other processes to end"),
    ):
        store.add(workspace, *PATH, STAMP, writers)


def test_writers_write_their_own_files_and_no_others(workspace, writers):
    def stray(path: Path) -> None:
        path.write_text("x")
        path.with_name("stray.txt").write_text("x")

    with pytest.raises(ValueError, match=r"stray\.txt"):
        store.add(workspace, *PATH, STAMP, {**writers, "a.txt": stray})
    with pytest.raises(ValueError, match=r"writers of \['idle.txt'\] wrote \[\]"):
        store.add(workspace, *PATH, STAMP, {"idle.txt": lambda path: None})
    assert store.versions(workspace) == []


def crash(start, workspace, mode, point):
    """Kill an addition at its `point`th step; whether it was killed."""
    process = start(ADDING, workspace.root, point, mode)
    _, errors = process.communicate(timeout=60)
    assert process.returncode in (0, 9), errors
    return process.returncode == 9


@pytest.mark.parametrize("mode", ["writer", "disk"])
def test_killed_anywhere_it_leaves_the_old_models_or_the_new_one_whole(
    workspace, writers, model, start, mode
):
    point = 1
    while crash(start, workspace, mode, point):
        found = store.versions(workspace)
        assert found[0] == model
        for one in found:
            verify(one.path)
        assert latest(workspace) in {one.version for one in found}
        leftovers = list(workspace.models(*PATH).glob(".*.tmp"))
        assert len(leftovers) <= 1  # each addition removes what the one before it left
        point += 1
    assert point == (5 if mode == "writer" else 12)
    assert not list(workspace.root.rglob(".*.tmp"))


def test_many_processes_add_every_model_once(workspace, start):
    running = [start(MANY, workspace.root, letter, STAMP) for letter in "abcdefgh"]
    outputs = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0] * 8, outputs
    acknowledged = [line for out, _ in outputs for line in out.split()]
    assert len(acknowledged) == len(set(acknowledged)) == 80
    found = store.versions(workspace)
    assert {one.version for one in found} == set(acknowledged)
    letters = [one.onnx.read_bytes()[:1] for one in found if verify(one.path)]
    assert sorted(letters) == sorted(letter.encode() for letter in "abcdefgh" * 10)
    assert latest(workspace) == f"{STAMP}-080"


def test_what_is_half_written_is_not_listed_and_soon_removed(workspace, writers, model):
    leftover = model.path.with_name(".20240101T000000Z.0123.tmp")
    leftover.mkdir()
    (leftover / "manifest.json").write_text("{}")
    pointer = model.path.with_name(".latest.json.0123.tmp")
    pointer.write_text("{")
    assert store.versions(workspace) == [model]
    store.add(workspace, *PATH, STAMP, writers)
    assert not leftover.exists()
    assert not pointer.exists()


def test_versions_of_one_symbol_or_all(workspace, writers, model):
    other = store.add(workspace, "ETHUSDT", "balanced", STAMP, writers)
    assert store.versions(workspace) == [model, other]
    assert store.versions(workspace, "ETHUSDT") == [other]
    assert store.versions(workspace, "LTCUSDT") == []
    with pytest.raises(UsageError, match="is not a symbol"):
        store.versions(workspace, "../*")


def test_a_workspace_without_models_has_none(workspace):
    assert store.versions(workspace) == []
    with pytest.raises(UsageError, match="train one"):
        store.find(workspace, "BTCUSDT/fast")


def test_a_model_is_found_by_reference_or_path(workspace, writers, model, monkeypatch):
    newer = store.add(workspace, *PATH, "20240301T000000Z", writers)
    for reference in ("BTCUSDT", "BTCUSDT/fast", f"BTCUSDT/fast/{newer.version}"):
        assert store.find(workspace, reference) == newer
    assert store.find(workspace, f"BTCUSDT/fast/{model.version}/") == model
    assert store.find(workspace, str(model.path)) == model
    monkeypatch.chdir(model.path.parent)
    assert store.find(workspace, model.version).name == "fast"


def test_a_damaged_model_is_found_and_then_refused(workspace, model):
    (model.path / "manifest.json").unlink()
    for reference in (str(model.path), "BTCUSDT/fast"):
        found = store.find(workspace, reference)
        with pytest.raises(IntegrityError, match=r"there is no manifest.json"):
            verify(found.path)


@pytest.mark.parametrize("reference", ["BTCUSDT/fats", "ETHUSDT", "", "/", "nowhere/at/all/x"])
def test_what_is_not_there_is_answered_with_what_is(workspace, model, reference):
    with pytest.raises(UsageError, match="there is no model"):
        store.find(workspace, reference)
