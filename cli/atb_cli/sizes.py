"""Amounts of memory and time as people read them; knows nothing of what is measured."""

from __future__ import annotations

import re

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
_AMOUNT = re.compile(r"(\d{1,12}(?:\.\d{1,6})?) ?(?:([KMGT])(i?)B?|B)?", re.IGNORECASE)


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


def parse(text: str) -> int:
    """Bytes of an amount as people write it; KB are thousands, KiB and K are 1,024.

    Raises:
        ValueError: when it is none.

    >>> parse("1.5 KiB"), parse("80G"), parse("2 MB"), parse("0")
    (1536, 85899345920, 2000000, 0)
    """
    found = _AMOUNT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no size, as 500MiB or 2GiB is")
    number, prefix, binary = found.groups()
    power = " KMGT".index(prefix.upper()) if prefix else 0
    decimal = prefix and not binary and text.strip().upper().endswith("B")
    return int(float(number) * (1000 if decimal else 1024) ** power)


def duration(seconds: float) -> str:
    """Seconds, in milliseconds or minutes where these read better.

    >>> duration(0.0123), duration(4.0), duration(600.0)
    ('12.3 ms', '4.0 s', '10.0 min')
    """
    if seconds < 1:
        return f"{1000 * seconds:.1f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"
