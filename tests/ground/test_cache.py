"""A cache: the oldest goes first, what is held stays, whoever dies lets go."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Sequence
from multiprocessing import connection
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atb import atomic, cache

SPAWN = multiprocessing.get_context("spawn")


def _fill(room: Path, sizes: Sequence[int]) -> list[Path]:
    """Entries of so many bytes, the first used longest ago."""
    room.mkdir(exist_ok=True)
    paths = []
    for age, size in enumerate(sizes):
        path = room / f"entry-{age}"
        path.write_bytes(b"x" * size)
        os.utime(path, (1_000 + age, 1_000 + age))
        paths.append(path)
    return paths


@pytest.fixture
def room(tmp_path: Path) -> Path:
    return tmp_path / "room"


def test_the_least_recently_used_are_removed(room: Path) -> None:
    _fill(room, [10, 20, 30])
    found = cache.prune([room], 35)
    assert [entry.path.name for entry in found.removed] == ["entry-0", "entry-1"]
    assert found.held == ()
    assert [path.name for path in room.glob("[!.]*")] == ["entry-2"]


def test_what_was_taken_is_the_youngest(room: Path) -> None:
    oldest, *_ = _fill(room, [10, 10, 10])
    with cache.held([oldest]):
        pass
    assert [entry.path.name for entry in cache.listing([room])][-1] == "entry-0"
    assert [entry.path.name for entry in cache.prune([room], 20).removed] == ["entry-1"]


def test_rooms_are_pruned_as_one(tmp_path: Path) -> None:
    rooms = [tmp_path / "a", tmp_path / "b", tmp_path / "absent"]
    _fill(rooms[0], [10, 10])
    _fill(rooms[1], [10, 10])
    removed = cache.prune(rooms, 20).removed
    assert sorted(entry.path.name for entry in removed) == ["entry-0", "entry-0"]


@given(st.lists(st.integers(1, 100), max_size=8), st.integers(0, 500))
def test_as_much_stays_as_may(tmp_path_factory: pytest.TempPathFactory, sizes, most) -> None:
    room = tmp_path_factory.mktemp("room")
    _fill(room, sizes)
    removed = cache.prune([room], most).removed
    left = cache.listing([room])
    assert sum(entry.bytes for entry in left) <= most
    assert [entry.bytes for entry in (*removed, *left)] == sizes
    assert not removed or sum(entry.bytes for entry in (removed[-1], *left)) > most


def test_what_is_held_stays(room: Path) -> None:
    oldest, *_ = _fill(room, [10, 10])
    with cache.held([oldest, room / "absent"]):
        found = cache.prune([room], 0)
        assert [entry.path for entry in found.held] == [oldest]
        assert oldest.exists()
    assert not cache.prune([room], 0).held
    assert not cache.listing([room])


def test_a_folder_is_held_as_one(tmp_path: Path) -> None:
    rooms = [tmp_path / "a", tmp_path / "b"]
    for room in rooms:
        _fill(room, [10, 10])
    with cache.reserved(rooms[0]), cache.reserved(rooms[0]):
        found = cache.prune(rooms, 0)
    assert {entry.path.parent for entry in found.held} == {rooms[0]}
    assert {entry.path.parent for entry in found.removed} == {rooms[1]}
    assert len(cache.prune(rooms, 0).removed) == 2


def test_a_map_holds_its_file(room: Path) -> None:
    (path,) = _fill(room, [400])
    file = cache.take(path)
    assert file is not None
    with file:
        numbers = np.memmap(file, np.uint8, "r")
    assert cache.prune([room], 0).held
    last = numbers[-1:]
    del numbers
    assert cache.prune([room], 0).held
    del last
    assert cache.prune([room], 0).removed


def test_nothing_is_taken_where_nothing_lies(room: Path) -> None:
    assert cache.take(room / "absent") is None


@pytest.fixture
def replaced(room: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An entry that another process replaces just before it is locked."""
    (path,) = _fill(room, [3])
    lock = cache.fcntl.flock

    def late(file: BinaryIO, kind: int) -> None:
        if Path(file.name) == path:
            monkeypatch.setattr(cache.fcntl, "flock", lock)
            path.unlink()
            path.write_bytes(b"new")
        lock(file, kind)

    monkeypatch.setattr(cache.fcntl, "flock", late)
    return path


def test_a_file_replaced_meanwhile_is_not_removed(room: Path, replaced: Path) -> None:
    cache.prune([room], 0)
    assert replaced.read_bytes() == b"new"


def test_a_file_replaced_while_it_was_taken_is_not_the_old_one(replaced: Path) -> None:
    file = cache.take(replaced)
    assert file is not None
    with file:
        assert file.read() == b"new"


def test_unfinished_files_are_cleared_when_nobody_writes(room: Path) -> None:
    with cache.filling(room):
        _fill(room, [1])
        (room / ".half.tmp").write_bytes(b"half")
        cache.prune([room], 10)
        assert (room / ".half.tmp").exists()
    cache.prune([room], 10)
    assert not (room / ".half.tmp").exists()
    assert (room / "entry-0").exists()


def _hold(path: Path, line: connection.Connection) -> None:
    with cache.held([path]):
        line.send("held")
        signal.pause()


def test_a_killed_process_lets_go(room: Path) -> None:
    (path,) = _fill(room, [1])
    line, far_end = SPAWN.Pipe()
    process = SPAWN.Process(target=_hold, args=(path, far_end))
    process.start()
    assert line.recv() == "held"
    assert cache.prune([room], 0).held
    process.kill()
    process.join()
    assert cache.prune([room], 0).removed


def _use(room: Path, seed: int, line: connection.Connection) -> None:
    """Make and read entries for ever; say so if one is not what its name says."""
    random = np.random.default_rng(seed)
    line.send("at work")
    while True:
        name = int(random.integers(5))
        path, content = room / str(name), bytes([name]) * 10_000
        file = cache.take(path)
        if file is None:
            with cache.filling(room):
                atomic.write_bytes(path, content)
            continue
        with file:
            if path.read_bytes() != content or file.read() != content:
                line.send(f"{path} is damaged")


def test_processes_that_write_read_prune_and_die_never_see_half_a_file(room: Path) -> None:
    lines, processes = [], []
    for seed in range(3):
        line, far_end = SPAWN.Pipe()
        processes.append(SPAWN.Process(target=_use, args=(room, seed, far_end)))
        processes[-1].start()
        far_end.close()
        lines.append(line)
    for line in lines:
        assert line.recv() == "at work"
    removed = 0
    for number in range(300):
        removed += len(cache.prune([room], 20_000).removed)
        if number == 150:
            processes[0].kill()
    alive = [process.is_alive() for process in processes]
    said = [line.recv() for line in lines[1:] if line.poll()]
    for process in processes:
        process.kill()
        process.join()
    assert alive[1:] == [True, True]
    assert said == []
    assert removed > 10
    cache.prune([room], 0)
    assert sorted(path.name for path in room.iterdir()) == [cache.LOCK, cache.RESERVED]
