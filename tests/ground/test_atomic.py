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
