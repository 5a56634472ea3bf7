from __future__ import annotations

import pytest

from atb_cli import sizes


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0.0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (15 * 2**20, "15 MiB"),
        (24 * 2**30, "24 GiB"),
        (3 * 2**60, "3145728 TiB"),
        (None, "unknown"),
    ],
)
def test_memory(size, text):
    assert sizes.memory(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0004, "0.4 ms"), (1.0, "1.0 s"), (119.0, "119.0 s"), (150.0, "2.5 min")],
)
def test_duration(seconds, text):
    assert sizes.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        *(("0", 0), ("1023", 1023), ("12B", 12), ("1K", 1024), ("1 kB", 1000), ("1kib", 1024)),
        *(("1.5MiB", 3 * 2**19), ("0.5GB", 500_000_000), ("2T", 2**41)),
    ],
)
def test_parse(text, size):
    assert sizes.parse(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1,5G", "GiB", "nan", "1e9", "1GiBB", "9" * 13])
def test_parse_of_no_size(text):
    with pytest.raises(ValueError, match="is no size"):
        sizes.parse(text)
