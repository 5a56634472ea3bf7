"""Amounts of memory and time as people read them; knows nothing of what is measured."""

from __future__ import annotations

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def memory(size: int | None) -> str:
    """Bytes in the largest unit of which there is one, three digits or so.

    >>> memory(1536), memory(80 * 2**30), memory(None)
    ('1.5 KiB', '80 GiB', 'unknown')
    """
    if size is None:
        return "unknown"
    power = min(max(size.bit_length() - 1, 0) // 10, len(UNITS) - 1)
    number = size / 1024**power
    return f"{number:.1f} {UNITS[power]}" if number < 10 else f"{number:.0f} {UNITS[power]}"


def duration(seconds: float) -> str:
    """Seconds, in milliseconds or minutes where these read better.

    >>> duration(0.0123), duration(4.0), duration(600.0)
    ('12.3 ms', '4.0 s', '10.0 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
