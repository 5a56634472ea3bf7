"""Nothing that was changed after it was written passes, whatever the change."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from atb.errors import IntegrityError
from atb.registry import manifest
from atb.registry.integrity import verify

FILES = ("config.json", "history.csv", "model.keras", "model.onnx", manifest.NAME)


def test_what_was_written_is_verified(model):
    entries = verify(model.path)
    assert entries.keys() == set(FILES) - {manifest.NAME}
    assert entries["config.json"].size == 22


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_seen(model, name):
    path = model.path / name
    whole, draw = path.read_bytes(), random.Random(1)
    for _ in range(300):
        bit = draw.randrange(8 * len(whole))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        with pytest.raises(IntegrityError) as caught:
            verify(model.path)
        assert caught.value.exit_code == 9
    path.write_bytes(whole)
    verify(model.path)


@pytest.mark.parametrize("name", FILES)
def test_every_truncation_is_seen(model, name):
    path = model.path / name
    whole = path.read_bytes()
    for length in {*range(0, len(whole), 1 + len(whole) // 100), len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(IntegrityError):
            verify(model.path)


def test_the_message_names_the_file_and_both_values(model):
    path = model.path / "config.json"
    whole = path.read_bytes()
    path.write_bytes(whole + b" ")
    with pytest.raises(IntegrityError, match=r"config.json: it has 23 bytes, the manifest says 22"):
        verify(model.path)
    path.write_bytes(whole.swapcase())
    expected = manifest.read(model.path)["config.json"].sha256
    with pytest.raises(
        IntegrityError, match=f"SHA-256 is {'.' * 64}, the manifest says {expected}"
    ):
        verify(model.path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(model, name):
    (model.path / name).unlink()
    with pytest.raises(IntegrityError, match=rf"{name}"):
        verify(model.path)


@pytest.mark.parametrize("name", ["extra.json", ".hidden", "model.onnx.data"])
def test_an_extra_file_is_named(model, name):
    (model.path / name).write_text("x")
    with pytest.raises(IntegrityError, match=f"{name}: the file is not in the manifest"):
        verify(model.path)


def test_swapped_files_are_seen(model):
    one, other = model.path / "model.onnx", model.path / "model.keras"
    one.rename(model.path / "x")
    other.rename(one)
    (model.path / "x").rename(other)
    with pytest.raises(IntegrityError, match="SHA-256"):
        verify(model.path)


def test_a_link_is_no_file_even_to_the_same_content(model, tmp_path: Path):
    path = model.path / "model.onnx"
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match=r"model.onnx: it is no plain file"):
        verify(model.path)


def test_a_linked_manifest_is_no_manifest(model, tmp_path: Path):
    shutil.move(model.path / manifest.NAME, tmp_path / "elsewhere")
    (model.path / manifest.NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IntegrityError, match=r"there is no manifest.json"):
        verify(model.path)


def test_a_pipe_does_not_stop_it(model):
    path = model.path / "model.onnx"
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(IntegrityError, match="no plain file"):
        verify(model.path)


@pytest.mark.parametrize("place", ["absent", "file"])
def test_what_is_no_folder_is_no_model(tmp_path: Path, place):
    (tmp_path / "file").write_text("x")
    with pytest.raises(IntegrityError, match="it is no model folder"):
        verify(tmp_path / place)
