"""What is kept to be used again is listed, and removed but for what is in use."""

from __future__ import annotations

import os

import pytest

from atb import cache


@pytest.fixture
def room(tmp_path):
    """Three histories of 1,000 bytes each, the first used longest ago."""
    folder = tmp_path / "artifacts" / "cache" / "histories"
    folder.mkdir(parents=True)
    for age in range(3):
        (folder / f"{age}.parquet").write_bytes(b"x" * 1000)
        os.utime(folder / f"{age}.parquet", (86_400 * age, 86_400 * age))
    return folder


def test_the_list(atb, room):
    done = atb("cache", "list")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[-1].split() == [
        *("histories", "3", "2.9", "KiB", "1970-01-01T00:00:00Z")
    ]
    found = atb("cache", "list", "--json").json
    assert found["bytes"] == 3000
    assert [one["used"][8:10] for one in found["entries"]] == ["01", "02", "03"]


def test_prune(atb, room):
    oldest = room / "0.parquet"
    with cache.held([oldest]):
        os.utime(oldest, (0, 0))
        found = atb("cache", "prune", "--max-size", "1KiB", "--json").json
    assert [one["path"] for one in found["held"]] == ["artifacts/cache/histories/0.parquet"]
    assert [one["bytes"] for one in found["removed"]] == [1000, 1000]
    assert found["bytes"] == 1000
    done = atb("cache", "prune", "--max-size", "0")
    assert (done.code, done.out) == (0, "1 removed, 1000 B; 0.0 B left\n")


def test_nothing_is_there(atb):
    assert atb("cache", "list").said == "nothing is cached in artifacts"
    assert atb("cache", "prune", "--max-size", "0").out == "0 removed, 0.0 B; 0.0 B left\n"


@pytest.mark.parametrize("size", ["-1", "many", "1e3", "3 apples", ""])
def test_a_size_that_is_none(atb, size):
    done = atb("cache", "prune", "--max-size", size)
    assert done.code == 2
    assert "is no size, as 500MiB or 2GiB is" in done.said
