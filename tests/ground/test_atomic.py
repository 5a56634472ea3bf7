from __future__ import annotations

from pathlib import Path

import pytest

from atb import atomic
from atb.errors import StorageError


def test_a_file_appears_whole_and_leaves_no_temporary(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    atomic.write_json(path, {"b": 1, "a": [1.5]})
    assert path.read_text() == '{\n  "a": [\n    1.5\n  ],\n  "b": 1\n}\n'
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


def test_a_failing_writer_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    atomic.write_bytes(path, b"old")
    with pytest.raises(RuntimeError), atomic.file(path) as temporary:
        temporary.write_bytes(b"half of the n")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failing_writer_leaves_no_folder(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), atomic.folder(tmp_path / "v1") as temporary:
        (temporary / "model.onnx").write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def flushed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Of each flush, in order: the name without the temporary's, and whether `v1` has its place."""
    seen = []
    flush = atomic.flush

    def recording(path: Path) -> None:
        flush(path)
        root = next(parent for parent in [path, *path.parents] if parent.name == "root")
        name = "." if path == root else path.name
        temporary = name.endswith(".tmp")
        seen.append(("temporary" if temporary else name, (root / "v1").exists()))

    monkeypatch.setattr(atomic, "flush", recording)
    return seen


def test_a_folder_is_on_the_disk_before_it_has_its_name_and_so_is_the_name(
    tmp_path: Path, flushed: list[tuple[str, bool]]
) -> None:
    with atomic.folder(tmp_path / "root" / "v1") as temporary:
        (temporary / "a").write_text("a")
        (temporary / "deep").mkdir()
        (temporary / "deep" / "b").write_text("b")
    before = [("a", False), ("deep", False), ("b", False), ("temporary", False)]
    assert flushed == [*before, (".", True)]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_so_is_the_name(
    tmp_path: Path, flushed: list[tuple[str, bool]]
) -> None:
    atomic.write_bytes(tmp_path / "root" / "v1", b"a")
    assert flushed == [("temporary", False), (".", True)]


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    with atomic.folder(tmp_path / "v1") as temporary:
        (temporary / "a").write_text("first")
    with pytest.raises(StorageError, match="exists already"), atomic.folder(tmp_path / "v1"):
        pass
    assert (tmp_path / "v1" / "a").read_text() == "first"


def test_a_place_that_cannot_be_written_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        atomic.write_bytes(tmp_path / "file" / "below", b"")
    with pytest.raises(StorageError, match="cannot write"):
        atomic.write_bytes(Path("/proc/nothing/here"), b"")


def test_json_has_no_name_for_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        atomic.write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_scratch_is_gone_whatever_happens(tmp_path: Path) -> None:
    with atomic.scratch(tmp_path / "runs" / "a") as folder, atomic.scratch(folder.parent / "b"):
        (folder / "model.onnx").write_bytes(b"")
    assert not (tmp_path / "runs").exists()
    with pytest.raises(RuntimeError), atomic.scratch(tmp_path / "runs" / "a"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_waited_for_and_then_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "LOCK_SECONDS", 0.05)
    with (
        atomic.locked(tmp_path / ".lock"),
        pytest.raises(StorageError, match="another process holds it"),
        atomic.locked(tmp_path / ".lock"),
    ):
        pass
    with atomic.locked(tmp_path / ".lock"):
        pass


def test_leftovers_are_removed_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / ".v1.abc.tmp").mkdir()
    (tmp_path / ".v1.abc.tmp" / "half").write_text("")
    (tmp_path / ".latest.json.abc.tmp").write_text("")
    (tmp_path / "latest.json").write_text("")
    atomic.remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["latest.json"]


def test_lines_are_added_and_what_a_kill_left_of_one_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    atomic.drop_unended_line(path)
    assert not path.exists()
    for content in (b"one\n", b"two\nthr"):
        atomic.append(path, content)
    assert path.read_bytes() == b"one\ntwo\nthr"
    for _ in range(2):
        atomic.drop_unended_line(path)
        assert path.read_bytes() == b"one\ntwo\n"
    atomic.append(path, b"three\n")
    assert path.read_bytes() == b"one\ntwo\nthree\n"
    path.write_bytes(b"unended")
    atomic.drop_unended_line(path)
    assert path.read_bytes() == b""


def test_a_disk_that_takes_no_line_is_an_answer() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no disk that is always full")
    with pytest.raises(StorageError, match="/dev/full: cannot write: No space left"):
        atomic.append(full, b"one\n")
