"""The store keeps what it is given, whole, once, and by one writer at a time."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from filelock import FileLock

from atb import atomic
from atb.errors import DataError, StorageError
from atb.market import sample, store

HOUR = 3_600_000
START = 1_704_067_200_000


def test_what_is_merged_is_read_back(workspace, bars):
    assert not store.exists(workspace, "BTCUSDT", "1h")
    store.merge(workspace, bars())
    back = store.read(workspace, "BTCUSDT", "1h")
    assert back.sha256() == bars().sha256()
    assert back.source == "memory"


def test_synthetic_candles_stay_marked(workspace):
    store.merge(workspace, sample.simulate("X1", "1h", START, START + 50 * HOUR, 1))
    assert store.read(workspace, "X1", "1h").synthetic


def test_merging_extends_on_both_sides_and_repeats_nothing(workspace, bars):
    store.merge(workspace, bars(8).rows(3, 6))
    store.merge(workspace, bars(8).rows(0, 4))
    merged = store.merge(workspace, bars(8).rows(5, 8))
    assert merged.sha256() == bars(8).sha256()
    assert store.read(workspace, "BTCUSDT", "1h").sha256() == bars(8).sha256()


def test_a_corrected_bar_replaces_the_old_and_is_logged(workspace, bars, caplog):
    store.merge(workspace, bars())
    with caplog.at_level(logging.WARNING):
        store.merge(workspace, bars())
        assert caplog.records == []
        store.merge(workspace, bars(1, start=START + 2 * HOUR))
    assert store.read(workspace, "BTCUSDT", "1h").open.tolist()[:4] == [100, 101, 100, 103]
    assert len(caplog.records) == 1
    assert "was (102.0, 104.0, 101.0, 103.0, 12.0)" in caplog.text


def test_the_same_candles_make_the_same_file(workspace, bars):
    store.merge(workspace, bars())
    first = workspace.candles("BTCUSDT", "1h").read_bytes()
    store.merge(workspace, bars())
    assert workspace.candles("BTCUSDT", "1h").read_bytes() == first


def test_listing(workspace, bars):
    assert store.listing(workspace) == []
    store.merge(workspace, bars(4, time=START + HOUR * np.array([0, 1, 4, 5])))
    store.merge(workspace, sample.simulate("ETHUSDT", "4h", START, START + 48 * HOUR, 1))
    last = START + 5 * HOUR
    assert store.listing(workspace) == [
        store.Stored("BTCUSDT", "1h", 4, START, last, 2, "memory", False),
        store.Stored("ETHUSDT", "4h", 12, START, START + 44 * HOUR, 0, "sample", True),
    ]


def test_nothing_stored_is_an_answer(workspace):
    with pytest.raises(DataError, match=r"no 1h candles of BTCUSDT are stored .* atb data fetch"):
        store.read(workspace, "BTCUSDT", "1h")


@pytest.mark.parametrize("damage", [b"", b"noise" * 100])
def test_a_damaged_file_is_an_answer(workspace, bars, damage):
    store.merge(workspace, bars())
    workspace.candles("BTCUSDT", "1h").write_bytes(damage)
    for use in (store.read, store.read_unchecked):
        with pytest.raises(DataError, match="delete the file and fetch the candles again"):
            use(workspace, "BTCUSDT", "1h")
    with pytest.raises(DataError, match="delete the file"):
        store.merge(workspace, bars())


def test_a_held_file_is_waited_for_and_then_an_answer(workspace, bars, monkeypatch):
    store.merge(workspace, bars())
    monkeypatch.setattr(atomic, "LOCK_SECONDS", 0.1)
    lock = workspace.candles("BTCUSDT", "1h").with_name(".lock")
    with FileLock(lock), pytest.raises(StorageError, match="wait for other processes"):
        store.merge(workspace, bars())


def test_many_writers_lose_no_bar(workspace):
    """Four processes merge their own quarter, ten bars at a time."""
    code = (
        "import sys; from pathlib import Path; from atb.market import sample, store\n"
        "from atb.workspace import Workspace\n"
        "part, start = int(sys.argv[1]), int(sys.argv[2])\n"
        "whole = sample.simulate('BTCUSDT', '1h', start, start + 400 * 3_600_000, 1)\n"
        "for row in range(part * 100, part * 100 + 100, 10):\n"
        "    store.merge(Workspace(Path(sys.argv[3])), whole.rows(row, row + 10))\n"
    )
    words = [str(START), str(workspace.root)]
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(part), *words]) for part in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    whole = sample.simulate("BTCUSDT", "1h", START, START + 400 * HOUR, 1)
    assert store.read(workspace, "BTCUSDT", "1h").sha256() == whole.sha256()


def test_a_disk_that_refuses_leaves_the_old_file(workspace, bars, monkeypatch):
    store.merge(workspace, bars())

    def refuse(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="No space left on device"):
        store.merge(workspace, bars(20))
    assert store.read(workspace, "BTCUSDT", "1h").sha256() == bars().sha256()
    assert [path.name for path in workspace.candle_root.rglob("*.tmp")] == []
