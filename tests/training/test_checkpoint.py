from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from atb.dataset.learner import Epoch
from atb.errors import StorageError
from atb.training.checkpoint import ARRAYS, Checkpoint, Checkpoints
from atb.training.state import State


def record(number: int, loss: float, best: bool) -> Epoch:
    return Epoch(number, 0.1 + 0.2, loss, 1e-3, 1.5, best, {"macro_f1": 1 / 3})


def checkpoint(epochs: str, step: int = 0) -> Checkpoint:
    """`+` is an epoch that is the best so far, `-` one that is not."""
    history = [record(i, 1 / i, mark == "+") for i, mark in enumerate(epochs, 1)]
    state = State(7, history=history, step=step, total=0.1 * step, seconds=0.5)
    best = network(state.best.epoch, 0) if state.best else []
    optimizer = [np.array(5, np.int64), np.arange(4.0)]
    return Checkpoint(state, network(len(epochs), step), optimizer, best)


def network(epoch: int, step: int) -> list[Any]:
    draw = np.random.default_rng(epoch * 1000 + step)
    return [draw.normal(size=(3, 2)).astype(np.float32), np.array([1, 2], np.int64)]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_checkpoint_comes_back_bit_for_bit(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    written = checkpoint("++", step=3)
    checkpoints.save(checkpoint("++"))
    checkpoints.save(written)
    found = checkpoints.newest()
    assert found is not None and found.state == written.state
    pairs = [(getattr(found, name), getattr(written, name)) for name in ARRAYS]
    for a, b in (pair for one, other in pairs for pair in zip(one, other, strict=True)):
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()


def test_there_is_none_at_first(tmp_path: Path) -> None:
    assert Checkpoints(tmp_path / "none").newest() is None


def test_the_last_two_and_the_best_are_kept(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for marks in ("", "+", "+-", "+--", "+---"):
        checkpoints.save(checkpoint(marks))
        if marks:
            checkpoints.save(checkpoint(marks, step=4))
    assert names(tmp_path) == ["000001-000000000", "000004-000000000", "000004-000000004"]
    found = checkpoints.newest()
    assert found is not None
    np.testing.assert_array_equal(found.best[0], checkpoint("+").network[0])


@pytest.mark.parametrize(
    "file", ["network.npz", "optimizer.npz", "best.npz", "state.json", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["flip", "cut", "remove"])
def test_a_damaged_checkpoint_is_passed_over(
    tmp_path: Path, file: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoints = Checkpoints(tmp_path)
    for marks in ("+", "++"):
        place = checkpoints.save(checkpoint(marks))
    path = place / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    if damage == "remove":
        path.unlink()
    else:
        path.write_bytes(content if damage == "flip" else content[:-1])
    found = checkpoints.newest()
    assert found is not None and found.state.epoch == 1
    assert "a damaged checkpoint is passed over" in caplog.text


def test_every_flipped_bit_is_noticed(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    place = checkpoints.save(checkpoint("+"))
    draw = np.random.default_rng(1)
    for path in place.iterdir():
        whole = path.read_bytes()
        for bit in draw.integers(0, len(whole) * 8, 75):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << (bit % 8)
            path.write_bytes(damaged)
            assert checkpoints.newest() is None
        path.write_bytes(whole)
    assert checkpoints.newest() is not None


def test_each_checkpoint_suffices_by_itself(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for marks in ("", "+", "+-", "+--"):
        checkpoints.save(checkpoint(marks))
    shutil.rmtree(tmp_path / "000001-000000000")
    found = checkpoints.newest()
    assert found is not None and found.state.epoch == 3
    np.testing.assert_array_equal(found.best[0], network(1, 0)[0])


def test_a_training_that_had_to_go_back_keeps_what_it_saves(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    for marks in ("+", "+-", "+--", "+---"):
        place = checkpoints.save(checkpoint(marks))
        if len(marks) > 2:
            (place / "network.npz").write_bytes(b"damaged")
    found = checkpoints.newest()
    assert found is not None and found.state.epoch == 1
    saved = checkpoints.save(checkpoint("+", step=8))
    again = checkpoints.newest()
    assert again is not None and (again.state.epoch, again.state.step) == (1, 8)
    assert names(tmp_path) == ["000001-000000000", saved.name]


def test_a_checkpoint_of_another_version_is_passed_over(tmp_path: Path) -> None:
    import json

    from atb.registry import manifest

    checkpoints = Checkpoints(tmp_path)
    place = checkpoints.save(checkpoint("+"))
    state = json.loads((place / "state.json").read_text())
    (place / "state.json").write_text(json.dumps({**state, "more": 1}))
    (place / "manifest.json").unlink()
    manifest.write(place)
    assert checkpoints.newest() is None


def test_a_damaged_place_is_written_again(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    place = checkpoints.save(checkpoint("+"))
    (place / "state.json").write_text("{}")
    assert checkpoints.newest() is None
    checkpoints.save(checkpoint("+"))
    found = checkpoints.newest()
    assert found is not None and found.state.epoch == 1


def test_what_a_crash_left_is_swept_and_no_checkpoint(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(checkpoint("+"))
    shutil.copytree(tmp_path / "000001-000000000", tmp_path / ".000002-000000000.0a.tmp")
    found = checkpoints.newest()
    assert found is not None and found.state.epoch == 1
    assert names(tmp_path) == ["000001-000000000"]


def test_a_full_disk_leaves_the_earlier_checkpoints(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(checkpoint("+"))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match="No space left") as caught:
        checkpoints.save(checkpoint("++"))
    assert caught.value.exit_code == 7
    assert names(tmp_path) == ["000001-000000000"]


def test_the_state_knows_what_stopping_needs() -> None:
    state = checkpoint("++--", step=2).state
    assert (state.epoch, state.waited) == (4, 2)
    assert state.best is not None and state.best.epoch == 2
    assert state.is_better(0.49, min_delta=0.0) and not state.is_better(0.49, min_delta=0.1)
    state.close_epoch(record(5, 0.1, best=True))
    assert (state.epoch, state.step, state.total, state.seconds, state.waited) == (5, 0, 0, 0, 0)
    assert State(1).is_better(1e9, 0.0) and State(1).waited == 0
