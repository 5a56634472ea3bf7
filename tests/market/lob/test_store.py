"""Days of events stream into the store in bounded memory and come back as they were read."""

from __future__ import annotations

import os
import tracemalloc
import zipfile

import pyarrow as pa
import pytest
from filelock import FileLock

from atb import atomic
from atb.errors import DataError, StorageError, UsageError
from atb.events import Warned
from atb.market.lob import kept, lobster, lobster_text, store
from atb.market.lob.book import Book
from atb.workspace import Workspace


@pytest.fixture
def workspace(tmp_path):
    return Workspace(tmp_path / "artifacts")


def left(workspace):
    """What an import left in the workspace, but for locks."""
    found = workspace.root.rglob("*")
    return sorted(path.name for path in found if path.is_file() and path.name != ".lock")


def second(row, kind=1, price=1000100):
    return f"{34200 + row},{kind},7,100,{price},1"


def test_the_real_book_comes_back_as_it_was_read(workspace, goog):
    (path,) = store.import_lobster(workspace, goog)
    assert path == workspace.root / "books" / "GOOG" / "2012-06-21.parquet"
    assert store.days(workspace, "GOOG") == [path]
    assert store.read(path).sha256() == lobster.read(goog).sha256()
    (stored,) = store.listing(workspace)
    assert (stored.day, stored.bytes) == ("2012-06-21", path.stat().st_size)
    assert (stored.facts.rows, stored.facts.levels, stored.facts.tick) == (100_048, 10, 0.01)
    with zipfile.ZipFile(goog) as bundle:
        assert path.stat().st_size < sum(info.file_size for info in bundle.infolist()) / 10


def test_each_day_has_its_file_and_together_they_are_the_folders_book(workspace, write_lobster):
    halted = [second(0), second(1, 7, -1), second(2, 7, 1), second(3)]
    write_lobster(halted, stem="TEST_2012-06-22_34200000_57600000")
    path = write_lobster([second(0), second(1)], stem="TEST_2012-06-21_34200000_45000000")
    write_lobster([second(20_000)], stem="TEST_2012-06-21_45000000_57600000")
    heard = []
    made = store.import_lobster(workspace, path.parent, listen=heard.append)
    assert [path.name for path in made] == ["2012-06-21.parquet", "2012-06-22.parquet"]
    whole = store.joined([store.read(day) for day in made])
    assert whole.sha256() == lobster.read(path.parent).sha256()
    assert whole.session.tolist() == [0, 0, 1, 2, 3]
    assert not any(isinstance(event, Warned) for event in heard)


def test_days_of_different_ticks_are_joined_in_the_finest(workspace, write_lobster):
    def states(ask):
        return [f"{ask},10,1000100,20,9999999999,0,1000000,40"]

    write_lobster([second(0)], states(1000250), stem="TEST_2012-06-21_34200000_57600000")
    write_lobster([second(0)], states(1000220), stem="TEST_2012-06-22_34200000_57600000")
    path = write_lobster([second(0)], states(1000200), stem="TEST_2012-06-25_34200000_57600000")
    days = [store.read(day) for day in store.import_lobster(workspace, path.parent)]
    assert [day.tick for day in days] == [0.005, 0.002, 0.01]
    whole = store.joined(days)
    assert whole.sha256() == lobster.read(path.parent).sha256()
    assert (whole.tick, whole.levels[:, 0].tolist()) == (0.001, [100_025, 100_022, 100_020])


def test_days_without_a_common_unit(write_lobster):
    book = lobster.read(write_lobster([second(0)]))
    other = Book("TEST", book.time_ns, book.levels, book.traded, book.session, tick=None)
    with pytest.raises(DataError, match=r"ticks of 0\.01 and None"):
        store.joined([book, other])


def test_an_import_replaces_its_day_and_says_so_if_it_changes(workspace, write_lobster):
    heard = []

    def warned(rows, price=1000200):
        states = [f"{price},10,1000100,20,1000300,30,1000000,40"] * rows
        path = write_lobster([second(row) for row in range(rows)], states)
        heard.clear()
        store.import_lobster(workspace, path, listen=heard.append)
        return [event.message for event in heard if isinstance(event, Warned)]

    assert warned(1) == warned(1) == []
    name = "2012-06-21 of TEST is stored already and changes: "
    assert warned(2) == [f"{name}1 rows of 2 levels before, 2 rows of 2 levels now"]
    assert warned(2, 1000250) == [f"{name}2 rows of 2 levels before, 2 rows of 2 levels now"]
    (path,) = store.days(workspace, "TEST")
    assert len(store.read(path)) == 2
    path.write_bytes(b"noise")
    assert warned(2) == [f"{name}a damaged file before, 2 rows of 2 levels now"]
    assert left(workspace) == ["2012-06-21.parquet"]


CROSSED = "1000000,10,1000100,20,1000300,30,999900,40"


@pytest.mark.parametrize("row", [5, 3000, 6400])  # of parts of 2,000 rows, or less
def test_what_training_would_refuse_is_not_stored(workspace, write_lobster, monkeypatch, row):
    monkeypatch.setattr(kept, "_ROWS", 2000)
    states = ["1000200,10,1000100,20,1000300,30,1000000,40"] * 6500
    states[row] = CROSSED
    path = write_lobster([second(row) for row in range(6500)], states)
    with pytest.raises(DataError, match=rf"lob/TEST_.*, row {row}, counted.*crossed: 1 rows"):
        store.import_lobster(workspace, path)
    assert not workspace.books("TEST").exists()


def test_a_refused_day_leaves_those_before_it_and_the_one_stored(workspace, write_lobster):
    path = write_lobster([second(0)], stem="TEST_2012-06-22_34200000_57600000")
    (stored,) = store.import_lobster(workspace, path)
    before = stored.read_bytes()
    state = "1000200,10,1000100,20,1000300,30,1000000,40"
    write_lobster(
        [second(0), second(1)], [state, CROSSED], stem="TEST_2012-06-22_34200000_57600000"
    )
    write_lobster([second(0)], stem="TEST_2012-06-21_34200000_57600000")
    with pytest.raises(DataError, match="TEST_2012-06-22"):
        store.import_lobster(workspace, path.parent)
    assert stored.read_bytes() == before
    assert left(workspace) == ["2012-06-21.parquet", "2012-06-22.parquet"]


@pytest.mark.parametrize("name", ["book.parquet", "book.csv", "fi2010.txt", "absent.csv"])
def test_only_lobster_is_imported(workspace, tmp_path, name):
    if "absent" not in name:
        (tmp_path / name).write_bytes(b"time,ask_price_1\n")
    with pytest.raises(DataError, match=rf"{name}: it is none of LOBSTER's.*atb train lob"):
        store.import_lobster(workspace, tmp_path / name)
    assert not workspace.root.exists()


def test_a_damaged_import_leaves_what_was_there(workspace, write_lobster):
    (path,) = store.import_lobster(workspace, write_lobster([second(0)]))
    before = path.read_bytes()
    with pytest.raises(DataError, match="line 2: the time runs backwards"):
        store.import_lobster(workspace, write_lobster([second(5), second(4)]))
    assert path.read_bytes() == before
    assert left(workspace) == ["2012-06-21.parquet"]


def test_a_day_that_never_opens_is_not_stored(workspace, write_lobster):
    states = ["1000000,1,1000100,1,1000300,1,999900,1"]
    with pytest.raises(DataError, match="no row is left"):
        store.import_lobster(workspace, write_lobster([second(0)], states))
    assert not workspace.books("TEST").exists()


def test_a_symbol_that_could_leave_the_store(workspace, write_lobster):
    path = write_lobster([second(0)])
    with pytest.raises(UsageError):
        store.import_lobster(workspace, path, "../evil")
    assert not workspace.root.exists()
    store.import_lobster(workspace, path, "GOOD")
    assert store.read(store.days(workspace, "GOOD")[0]).symbol == "GOOD"


def test_a_damaged_day_is_an_answer(workspace, write_lobster):
    (path,) = store.import_lobster(workspace, write_lobster([second(0)]))
    path.write_bytes(b"noise")
    with pytest.raises(DataError, match="delete the file and import the day again"):
        store.read(path)
    with pytest.raises(DataError, match=r"2012-06-21\.parquet"):
        store.listing(workspace)


def test_a_held_symbol_is_waited_for_and_then_an_answer(workspace, write_lobster, monkeypatch):
    monkeypatch.setattr(atomic, "LOCK_SECONDS", 0.1)
    workspace.books("TEST").mkdir(parents=True)
    with FileLock(workspace.books("TEST") / ".lock"), pytest.raises(StorageError, match="wait"):
        store.import_lobster(workspace, write_lobster([second(0)]))


def test_a_disk_that_refuses_leaves_the_old_day(workspace, write_lobster, monkeypatch):
    (path,) = store.import_lobster(workspace, write_lobster([second(0)]))
    before = path.read_bytes()

    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="No space left on device"):
        store.import_lobster(workspace, write_lobster([second(0), second(1)]))
    assert path.read_bytes() == before
    assert left(workspace) == ["2012-06-21.parquet"]


def peak_bytes(job):
    """The most memory a job holds at once, in Python's objects and arrays and in Arrow's."""
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.system_memory_pool())
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        job()
        return tracemalloc.get_traced_memory()[1] + pool.max_memory()
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)


def test_memory_does_not_grow_with_the_day(workspace, write_lobster, monkeypatch):
    def imported(rows):
        path = write_lobster([second(row / 100) for row in range(rows)])
        return peak_bytes(lambda: store.import_lobster(workspace, path))

    # Small blocks, so that a small file has many more than are read ahead or kept waiting.
    for module, name in (
        (lobster_text, "_LEVEL_BYTES"),
        (lobster_text, "_MESSAGE_BYTES"),
        (kept, "_ROWS"),
    ):
        monkeypatch.setattr(module, name, 2**13)
    imported(1000)  # what is imported or cached once
    short, long = imported(25_000), imported(75_000)
    assert long < 1.25 * short
