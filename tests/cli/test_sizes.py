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
